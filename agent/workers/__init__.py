"""Several processes for one agent, where one core is not enough."""
