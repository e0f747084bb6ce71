"""What a share link may be: label and end."""

from __future__ import annotations

import unicodedata
from datetime import datetime

from control_plane.errors import BadRequest

LABEL_LIMIT = 80


def read_label(label: str) -> str:
    """The label without surrounding blanks; it may be empty. Raises BadRequest SHARE_LABEL_INVALID."""
    text = label.strip()
    if len(text) > LABEL_LIMIT or any(unicodedata.category(each) in ("Cc", "Cs") for each in text):
        message = f"A share's label has at most {LABEL_LIMIT} characters and no control characters"
        raise BadRequest(message, code="SHARE_LABEL_INVALID", field="/label")
    return text


def read_expiry(expires_at: datetime | None, *, now: datetime) -> datetime | None:
    """When the link ends; None: not until it is revoked. Raises BadRequest INVALID_EXPIRY for what is past."""
    if expires_at is None:
        return None
    if expires_at.tzinfo is None or expires_at <= now:
        message = "expires_at is an instant with a zone that lies ahead, such as 2030-01-01T00:00:00Z; null is no end"
        raise BadRequest(message, code="INVALID_EXPIRY", field="/expires_at")
    return expires_at
