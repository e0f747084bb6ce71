"""What a kind of check brings to its submission: readers of its fields, what must hold between them, its rhythm."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from shared.netpolicy import Policy

Reader = Callable[[object, str], Any]
"""A decoded JSON value and its JSON Pointer in, the value of the field out; raises BadRequest."""

Place = Callable[[str], str]
"""The JSON Pointer of a field. A check submitted as one string has no fields: all of them are the string."""


def _nothing(*_: object) -> None:
    """For a kind that has no such rule."""


class KindRules(Struct, frozen=True, kw_only=True):
    """The rules of one kind.

    `target`: the fields that say what is watched. `nullable`: fields in which null means something of its own (off);
    in all others it clears to the default. `merged_by_name`: objects whose members a patch merges, without regard to
    case. `refuse_blocked` raises BadRequest SSRF_BLOCKED or PORT_BLOCKED for what a region of the policy may not reach,
    as far as the text shows it. `fast_confirmation`: whether a contradiction is asked about at once, in all regions.
    `regionless`: no region checks it, its one vote is derived from rows.
    """

    fields: Mapping[str, Reader]
    required: tuple[str, ...]
    target: tuple[str, ...]
    refuse_blocked: Callable[[Any, Policy, Place], None]
    nullable: frozenset[str] = frozenset()
    secret_fields: tuple[str, ...] = ()
    merged_by_name: tuple[str, ...] = ()
    refuse_conflicts: Callable[[Any, str], None] = _nothing
    refuse_exfiltration: Callable[[Any, Any, Mapping[str, object], str], None] = _nothing
    interval_floor_s: int = 10
    default_interval_s: int = 60
    default_alert_on: str = "down"
    fast_confirmation: bool = True
    regionless: bool = False
