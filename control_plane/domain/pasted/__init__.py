"""A pasted text as a check: URLs, curl commands, cron lines."""
