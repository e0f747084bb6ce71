"""Where the end of a domain's registration is read (RFC 9082, RFC 9083, RFC 9224)."""
