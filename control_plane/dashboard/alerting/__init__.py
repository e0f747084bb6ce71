"""Channels, routes, silences and deliveries."""
