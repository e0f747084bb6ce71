"""Who acts: what the audit log says of whoever changed something."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from msgspec import Struct


class Actor(Struct, frozen=True, kw_only=True):
    """A person, a program, or whoever holds a link, in one request; or Farwatch itself, of what owners would ask why.

    `label` is what it is called now: a key's label, a person's name. `source` is the door's word for `write_source`;
    `address` the caller's, through trusted proxies; `operation` the request's, such as pause_monitor.
    """

    kind: Literal["key", "member", "manage_key", "operator", "link", "system"]
    id: UUID | None
    label: str
    source: str
    operation: str
    address: str | None = None
    trace_id: str | None = None
