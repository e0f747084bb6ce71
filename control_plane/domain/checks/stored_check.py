"""Reading checks as they are stored. While control planes are exchanged, a newer one may have written some of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from control_plane.domain.checks.kinds import MonitorCheck


class _Holder(Struct, frozen=True):
    """msgspec keeps what it knows of a Struct; of a union it finds it out at every call, at ten times the cost."""

    check: MonitorCheck


def convert_check(document: object) -> MonitorCheck:
    """The check of a stored JSON object. Raises msgspec.ValidationError where this version cannot read it."""
    return msgspec.convert({"check": document}, type=_Holder).check


def read_check(document: Mapping[str, Any]) -> MonitorCheck | None:
    """The check of a stored JSON object; None where this version cannot read it: another kind, or other parameters."""
    try:
        return convert_check(document)
    except msgspec.ValidationError:
        return None
