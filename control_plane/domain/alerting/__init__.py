"""Who is told of what and when, and in which words."""
