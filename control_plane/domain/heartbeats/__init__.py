"""Heartbeats: their pings, runs and deadlines."""
