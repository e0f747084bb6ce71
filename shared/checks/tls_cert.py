"""The `tls_cert` check: how long a server's certificate is still good, and whether it should be trusted."""

from __future__ import annotations

from msgspec import Struct


class TlsCertCheck(Struct, frozen=True, kw_only=True, tag_field="type", tag="tls_cert", forbid_unknown_fields=True):
    """Parameters of a `tls_cert` check. `timeout` in ms, `warn_days` and `critical_days` in days.

    Any chain is accepted, so that bad ones can be read. `server_name` (SNI, and the name that the certificate has to
    match) is `host` unless it is given.
    """

    host: str
    port: int = 443
    server_name: str | None = None
    warn_days: int = 14
    critical_days: int = 7
    timeout: int = 10_000
