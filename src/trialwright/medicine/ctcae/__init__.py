"""Grades of laboratory results by the Common Terminology Criteria for Adverse Events (CTCAE)."""
