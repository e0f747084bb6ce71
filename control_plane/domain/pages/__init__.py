"""What the public sees: pages, badges, feeds, and the types that cannot hold a secret."""
