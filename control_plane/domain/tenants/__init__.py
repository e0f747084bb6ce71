"""Who may do what: people, credentials, plans."""
