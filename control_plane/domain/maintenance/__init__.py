"""Maintenance windows and their times."""
