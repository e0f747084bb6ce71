"""Reports on a month."""
