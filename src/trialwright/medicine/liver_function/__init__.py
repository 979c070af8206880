"""Scores and stages of liver, kidney and general condition: published definitions over arrays of patients."""
