"""Configuration files: reading, comparing, writing."""
