"""Regions and agents: their health, and what they are handed."""
