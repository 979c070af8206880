"""Liver imaging by CT/MRI LI-RADS v2018, and recurrence of hepatocellular carcinoma."""
