"""The overview, and the pages and forms of monitors."""
