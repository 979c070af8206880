"""The readers of the rule tree: one patient with evidence and what to ask next, columns of rows, SQL."""
