"""Results on their way: on disk until the control plane has settled them."""
