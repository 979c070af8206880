"""Tumour response by RECIST 1.1, iRECIST and mRECIST: from measured lesions to the best response of each
patient.

The way of a measurement: `lesions` finds time points and courses, `targets` makes sums and the response of
the targets, `overall` joins it with other lesions, `best_response` judges the whole course. `irecist` waits
for progression to be confirmed, `mrecist` measures what is alive in the liver, and `questions` asks readers
about data that cannot be right.
"""
