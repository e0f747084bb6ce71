"""/app/silences: what mutes notices now, what will, and what did; its end is one tap away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from aiohttp import web
from msgspec import Struct

from control_plane.dashboard.alerting.match_fields import match_words
from control_plane.dashboard.visit import Visit, form, page, see_other, show
from control_plane.dashboard.words import Moment, moment, sentence
from control_plane.errors import BadRequest, Conflict
from control_plane.services.alerting.keep_silence import change_silence
from control_plane.services.alerting.route_rows import match_of
from control_plane.store import configuration, monitor_names, silences
from control_plane.store.pool import Connection
from control_plane.store.silences import SilenceRow
from control_plane.web.routes import Route

HERE = "/app/silences"
_MOST = 50
_STATES: Mapping[str, tuple[str, str]] = {
    "active": ("maintenance", "Holds"),
    "pending": ("unknown", "To come"),
    "expired": ("paused", "Over"),
}
_TITLES = {"active": "Now", "pending": "To come", "expired": "Over"}
_SAID = {"created": "The silence holds.", "changed": "The silence was changed.", "ended": "The silence is over."}


class SilenceLine(Struct, frozen=True, kw_only=True):
    """A silence in a list."""

    id: UUID
    name: str
    reason: str
    about: str
    channels: str
    by: str
    mark: str
    word: str
    starts: Moment
    ends: Moment
    is_over: bool
    to_come: bool


async def show_silences(visit: Visit) -> web.StreamResponse:
    return await _list(visit)


async def _list(visit: Visit, *, problem: str = "", status: int = 200) -> web.StreamResponse:
    parts = []
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        channels = {each.id: each.name for each in await configuration.all_channels(conn, tenant_id=visit.tenant_id)}
        for state in ("active", "pending", "expired"):
            rows, total = await silences.silences(
                conn,
                tenant_id=visit.tenant_id,
                state=state,
                limit=_MOST if state != "expired" else 10,
                offset=0,
            )
            names = await _names(conn, visit, rows)
            lines = [_line(row, channels, names, visit) for row in rows]
            parts.append({"title": _TITLES[state], "state": state, "rows": lines, "total": total})
    context = {
        "parts": [part for part in parts if part["rows"]],
        "may_write": visit.may("silences:write"),
        "said": _SAID.get(visit.query("said"), ""),
        "problem": problem,
    }
    return show(visit, "silences.html", context, status=status)


async def _names(conn: Connection, visit: Visit, rows: Sequence[SilenceRow]) -> dict[UUID, str]:
    ids = [each for row in rows for each in row.monitor_ids]
    if not ids:
        return {}
    found = await monitor_names.find(conn, tenant_id=visit.tenant_id, named=[], numbers=[], ids=ids)
    return {each.id: each.name for each in found}


def _line(row: SilenceRow, channels: Mapping[UUID, str], names: Mapping[UUID, str], visit: Visit) -> SilenceLine:
    now = visit.deps.now()
    mark, word = _STATES[row.state]
    return SilenceLine(
        id=row.id,
        name=row.name,
        reason=row.reason,
        about=match_words(match_of(row), names),
        channels=", ".join(channels.get(each, "a channel that is gone") for each in row.channel_ids),
        by=row.created_by,
        mark=mark,
        word=word,
        starts=moment(row.starts_at, now),
        ends=moment(row.ends_at, now),
        is_over=row.state == "expired",
        to_come=row.state == "pending",
    )


async def end(visit: Visit) -> web.StreamResponse:
    """An end that is past means now; one that was to come never holds."""
    now = visit.deps.now()
    try:
        async with visit.deps.database.tenant(visit.tenant_id) as conn:
            row = await silences.silence(conn, tenant_id=visit.tenant_id, silence_id=visit.id("silence_id"))
        begins = {} if row is None or row.starts_at <= now else {"starts_at": now - timedelta(seconds=2)}
        await change_silence(
            visit.deps.database,
            tenant_id=visit.tenant_id,
            silence_id=visit.id("silence_id"),
            body={**begins, "ends_at": now - timedelta(seconds=1)},
            write_source=visit.caller.write_source,
            check_revision=lambda _revision: None,
        )
    except (BadRequest, Conflict) as error:
        return await _list(visit, problem=sentence(error.message), status=error.status)
    return see_other(f"{HERE}?said=ended")


ROUTES: tuple[Route, ...] = (
    page(HERE, show_silences, operation="show_silences", summary="Silences", scope="silences:read"),
    form(
        HERE + "/{silence_id}/end",
        end,
        operation="ask_silence_end",
        summary="End it now",
        scope="silences:write",
    ),
)
