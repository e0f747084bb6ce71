"""What tenants show to people who are no members: status pages, badges, share links and feeds."""
