"""Refuse a change of what was changed by somebody else meanwhile."""

from __future__ import annotations

from collections.abc import Collection

from control_plane.errors import PreconditionFailed


def require_revision(revision: int, accepted: Collection[int] | None) -> None:
    """Raise PreconditionFailed unless this revision is among those that If-Match allows; None allows any."""
    if accepted is not None and revision not in accepted:
        raise PreconditionFailed(
            "It was changed since you read it: read it again, redo your change, and send the new ETag in If-Match",
            details={"revision": revision},
        )
