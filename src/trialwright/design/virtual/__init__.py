"""Virtual trials: patients made by a program, with complete records and the truth about each of them beside.

A subject has a latent course (the true virus, the true size of each lesion, the day of each event), visits as they
happen, and what laboratories and readers make of it. What a perfect reader could see is told by plain code of its own,
so that derivations can be scored. Nothing here knows `derivations`, `evaluation` or `medicine`.
"""
