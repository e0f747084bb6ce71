"""Uptime and latency from transitions and rollups."""
