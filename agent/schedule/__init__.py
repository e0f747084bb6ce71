"""When each check starts, and who of a region's agents runs it."""
