"""/app/silences: what mutes notices now, what will, and what did; a new one in two taps, and its end in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from aiohttp import web
from msgspec import Struct

from control_plane.dashboard.fields import Field, Group, instant, options, told, zone_of
from control_plane.dashboard.match_fields import (
    channels_field,
    chosen_channels,
    match_fields,
    match_of_form,
    match_words,
    typed_match,
)
from control_plane.dashboard.monitor_choice import offered
from control_plane.dashboard.visit import Visit, form, page, see_other, show
from control_plane.dashboard.words import Moment, moment, sentence
from control_plane.errors import BadRequest, Conflict, FarwatchError, Refused
from control_plane.services.alerting.keep_silence import change_silence, create_silence
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
LASTS: Mapping[str, tuple[str, timedelta]] = {
    "30m": ("30 min", timedelta(minutes=30)),
    "1h": ("1 hour", timedelta(hours=1)),
    "2h": ("2 hours", timedelta(hours=2)),
    "4h": ("4 hours", timedelta(hours=4)),
    "8h": ("8 hours", timedelta(hours=8)),
    "1d": ("1 day", timedelta(days=1)),
    "7d": ("1 week", timedelta(days=7)),
}
_SAID = {"created": "The silence holds.", "ended": "The silence is over."}


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


async def show_new(visit: Visit) -> web.StreamResponse:
    return await _form(visit)


async def take_new(visit: Visit) -> web.StreamResponse:
    try:
        async with visit.deps.database.tenant(visit.tenant_id) as conn:
            body = await _body(conn, visit)
        await create_silence(
            visit.deps.database,
            tenant_id=visit.tenant_id,
            silence_id=visit.deps.new_id(),
            terms=visit.caller.terms,
            body=body,
            created_by=visit.caller.label,
            write_source=visit.caller.write_source,
        )
    except (BadRequest, Refused) as error:
        return await _form(visit, error)
    return see_other(f"{HERE}?said=created")


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


async def _body(conn: Connection, visit: Visit) -> dict[str, Any]:
    """The silence that the form says: from now on, or from the time that it names, for so long or until then."""
    utc = zone_of("UTC")
    starts, until = instant(visit.text("starts_at"), utc), instant(visit.text("ends_at"), utc)
    if until is None:
        begins = visit.deps.now() if starts is None or isinstance(starts, str) else starts
        _, lasts = LASTS.get(visit.text("lasts"), LASTS["1h"])
        until = begins + lasts
    match = await match_of_form(conn, visit)
    return {
        "name": visit.text("name"),
        "reason": visit.text("reason").replace("\r\n", "\n"),
        "ends_at": until,
        "match": {**match, "channel_ids": [str(each) for each in chosen_channels(visit)]},
        **({} if starts is None else {"starts_at": starts}),
    }


async def _form(visit: Visit, error: FarwatchError | None = None) -> web.StreamResponse:
    posted = visit.call.request.method == "POST"
    match = typed_match(visit)
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        offer = await offered(conn, visit, chosen=match.monitor_ids)
        channels = await configuration.all_channels(conn, tenant_id=visit.tenant_id)
    about = match_fields(visit, match, offer)
    whom = channels_field(
        channels, chosen_channels(visit), at="/match/channel_ids", label="Only these channels", hint="None is all."
    )
    lasts = visit.text("lasts") if posted else "1h"
    groups = [
        Group((_text(visit, "name", "Name", "Database upgrade", required=True), _lasts(lasts))),
        Group(about[:2]),
        Group((*about[2:], whom), title="Groups, kinds, monitors, channels"),
        Group(
            (
                _when(visit, "starts_at", "From (UTC)", "Empty is now."),
                _when(visit, "ends_at", "Until (UTC)", "Instead of how long; at most 90 days."),
                _text(visit, "reason", "Why", ""),
            ),
            title="Times of your own, and why",
        ),
    ]
    shown, problem = told(groups, error)
    context = {"groups": shown, "problem": problem}
    return show(visit, "silence_form.html", context, status=200 if error is None else error.status)


def _lasts(chosen: str) -> Field:
    words = {key: word for key, (word, _) in LASTS.items()}
    return Field(name="lasts", label="For how long", at="/lasts", type="radios", options=options(words, {chosen}))


def _text(visit: Visit, name: str, label: str, placeholder: str, *, required: bool = False) -> Field:
    extra = {"autocomplete": "off", **({"placeholder": placeholder} if placeholder else {})}
    return Field(name=name, label=label, at=f"/{name}", value=visit.text(name), required=required, extra=extra)


def _when(visit: Visit, name: str, label: str, hint: str) -> Field:
    return Field(name=name, label=label, at=f"/{name}", type="datetime-local", value=visit.text(name), hint=hint)


_writes = partial(form, scope="silences:write")

ROUTES: tuple[Route, ...] = (
    page(HERE, show_silences, operation="show_silences", summary="Silences", scope="silences:read"),
    page(f"{HERE}/new", show_new, operation="show_silence_form", summary="A new silence", scope="silences:write"),
    _writes(f"{HERE}/new", take_new, operation="add_silence", summary="Mute notices for a while"),
    _writes(HERE + "/{silence_id}/end", end, operation="ask_silence_end", summary="End it now"),
)
