"""Hepatitis B: results of HBV DNA and HBsAg, reactivation, flare, hepatitis, breakthrough, HBsAg loss, liver injury."""
