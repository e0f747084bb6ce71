"""What Farwatch decides, as pure functions: plain values and `now` in, a plain value out."""
