"""Reading checks as they are stored. While control planes are exchanged, a newer one may have written some of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from shared.checks import Check


def read_check(document: Mapping[str, Any]) -> Check | None:
    """The check of a stored JSON object; None where this version cannot read it: another kind, or other parameters."""
    try:
        check: Check = msgspec.convert(document, type=Check)
    except msgspec.ValidationError:
        return None
    return check
