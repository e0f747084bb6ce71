"""Votes, verdicts, holds and incidents: what is proven, and what follows from it."""
