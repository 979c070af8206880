"""Questions asked of patient data: across tables, and against the protocol."""
