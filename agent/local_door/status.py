"""What /healthz says: whether this agent does its work, and if not, why."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from agent.versions import agent_version

if TYPE_CHECKING:
    from agent.local_door.watched import Watched
    from agent.session import Session


def status_of(app: Watched) -> dict[str, Any]:
    """`healthy` is false while it checks nothing, or nothing that counts. Runs on the event loop."""
    session = app.session
    status, reason = ("starting", "The control plane has not answered yet") if session is None else _of(session, app)
    polled_at = None if session is None else session.polled_at
    return {
        "status": status,
        "healthy": status in ("ok", "leaving"),
        "reason": reason,
        "region": None if session is None else session.welcome.region.id,
        "agent": None if session is None else session.welcome.agent_name,
        "version": agent_version(),
        "last_poll_age_s": None if polled_at is None else round(monotonic() - polled_at, 3),
    }


def _of(session: Session, app: Watched) -> tuple[str, str | None]:
    if session.refusal is not None:
        return "refused", str(session.refusal)
    if session.is_leaving:
        return "leaving", None
    if app.unhealthy_because is not None:
        return "unhealthy", app.unhealthy_because
    return "ok", None
