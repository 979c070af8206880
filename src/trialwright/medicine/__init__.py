"""Published clinical definitions as pure functions over arrays: no file, no table, no protocol is known here."""
