"""Trialwright: a compiler for clinical trials."""
