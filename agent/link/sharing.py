"""What many assignments have in common is held once: with a hundred thousand of them that is a quarter of the memory.

Decoding makes every part anew. Equal parts are values that nobody changes, so that nobody can tell one from another. It
has to be done at once, a page or a line at a time, so that the next one takes the place of what was given up.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import force_setattr

from shared.protocol import Assignment

_EMPTY: dict[Any, Any] = {}


class Sharing:
    """Remembers parts for as long as it lives."""

    def __init__(self) -> None:
        self._tenants: dict[UUID, UUID] = {}
        self._parts: dict[Struct, Struct] = {}

    def of(self, assignment: Assignment) -> Assignment:
        """The same assignment, which must have just been decoded."""
        tenant_id, check = assignment.tenant_id, assignment.check
        force_setattr(assignment, "tenant_id", self._tenants.setdefault(tenant_id, tenant_id))
        for name in check.__struct_fields__:
            part = getattr(check, name)
            if part == _EMPTY:
                force_setattr(check, name, _EMPTY)
            elif isinstance(part, Struct):
                force_setattr(check, name, self._parts.setdefault(part, part))
        return assignment
