"""The `dns` check: one question to one resolver, and what is expected of the answer."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

RecordType = Literal["A", "AAAA", "CNAME", "MX", "TXT", "NS", "SOA", "PTR", "SRV", "CAA"]


class DnsCheck(Struct, frozen=True, kw_only=True, tag_field="type", tag="dns", forbid_unknown_fields=True):
    """Parameters of a `dns` check. `timeout` and `degraded_above_ms` in ms.

    `expected`: values that must all be among the answers; with `exact`, no others may. Case and trailing dots do not
    matter. `resolver`: a server to ask instead of the agent's own, `host`, `host:port` or `[address]:port`.
    """

    name: str
    record_type: RecordType = "A"
    expected: tuple[str, ...] = ()
    exact: bool = False
    resolver: str | None = None
    timeout: int = 10_000
    degraded_above_ms: int | None = None
