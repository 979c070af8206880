"""The protocol's own test pack: patients just below, at and just above each of its thresholds."""
