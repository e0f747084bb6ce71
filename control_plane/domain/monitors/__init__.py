"""What a monitor may be told: its fields and their rules."""
