"""A deterministic simulator: the product's own services, in a world where all is drawn from a seed."""
