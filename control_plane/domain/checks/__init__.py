"""What each kind of check is asked and may be told: its fields, their rules, its words."""
