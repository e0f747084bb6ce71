"""Charts as geometry, and the same in words. Pure."""
