"""The pages of /docs."""
