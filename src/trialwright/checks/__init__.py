"""Questions asked of a protocol before anyone is enrolled."""
