"""Reading checks as they are stored. While control planes are exchanged, a newer one may have written some of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from control_plane.domain.kinds import MonitorCheck


def read_check(document: Mapping[str, Any]) -> MonitorCheck | None:
    """The check of a stored JSON object; None where this version cannot read it: another kind, or other parameters."""
    try:
        check: MonitorCheck = msgspec.convert(document, type=MonitorCheck)
    except msgspec.ValidationError:
        return None
    return check
