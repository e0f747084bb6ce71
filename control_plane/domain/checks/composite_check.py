"""The `composite` check: a monitor that is up while enough others are. Known to the control plane only."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct


class Members(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Whose verdicts count: all monitors that have the tag now, other composites apart, or those listed by id."""

    tag: str | None = None
    monitors: tuple[UUID, ...] | None = None


class CompositeCheck(Struct, frozen=True, kw_only=True, tag_field="type", tag="composite", forbid_unknown_fields=True):
    """Up while at least so many of its members are up. `at_least` counts no more members than there are."""

    at_least: int
    of: Members
