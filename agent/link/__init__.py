"""The agent's side of the conversation with the control plane."""
