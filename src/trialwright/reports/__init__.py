"""Tables, figures and pages: what `analysis` found, set for people to read."""
