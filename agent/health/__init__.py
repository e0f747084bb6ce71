"""Is it the target or is it us? The self-test and what it asks."""
