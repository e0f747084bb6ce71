"""TLS for checks: contexts, handshakes, certificates and what they are worth."""
