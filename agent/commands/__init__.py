"""What the command `farwatch-agent` does beside running the agent."""
