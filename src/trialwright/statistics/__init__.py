"""Numbers in, numbers out: this room knows neither protocols nor patients."""
