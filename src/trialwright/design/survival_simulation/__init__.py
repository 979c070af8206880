"""Survival trials of two groups, thousands at once: what a design does when the real test is run on it."""
