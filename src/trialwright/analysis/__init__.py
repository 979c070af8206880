"""The protocol's analyses bound to derived data: everything ends in one results table."""
