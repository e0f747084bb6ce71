"""What makes clients of plain HTTP cheap to come by."""

from __future__ import annotations

import ssl

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody. Without it each client reads the certificates of the machine, which costs more than fifty requests."""
