"""/app/silences/new and /app/silences/{id}: the form of a silence. Its times are those of UTC."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from aiohttp import web

from control_plane.dashboard.alerting.match_fields import (
    channels_field,
    chosen_channels,
    match_fields,
    match_of_form,
    typed_match,
)
from control_plane.dashboard.fields import Field, Group, instant, local, options, told, zone_of
from control_plane.dashboard.monitor_choice import offered
from control_plane.dashboard.visit import Visit, form, page, see_other, show
from control_plane.domain.alerting.notice_match import Match
from control_plane.errors import BadRequest, Conflict, FarwatchError, NotFound, Refused
from control_plane.services.alerting.keep_silence import change_silence, create_silence
from control_plane.services.alerting.route_rows import match_of
from control_plane.store import configuration, silences
from control_plane.store.pool import Connection
from control_plane.store.silences import SilenceRow
from control_plane.web.routes import Route

HERE = "/app/silences"
ONE = HERE + "/{silence_id}"
LASTS: Mapping[str, tuple[str, timedelta]] = {
    "30m": ("30 min", timedelta(minutes=30)),
    "1h": ("1 hour", timedelta(hours=1)),
    "2h": ("2 hours", timedelta(hours=2)),
    "4h": ("4 hours", timedelta(hours=4)),
    "8h": ("8 hours", timedelta(hours=8)),
    "1d": ("1 day", timedelta(days=1)),
    "7d": ("1 week", timedelta(days=7)),
}
_UTC = zone_of("UTC")


async def show_new(visit: Visit) -> web.StreamResponse:
    """An empty form; with ?like=… one that says what another silence did, but for its times."""
    like = None if not visit.query("like") else await _like(visit)
    return await _form(visit, like)


async def show_edit(visit: Visit) -> web.StreamResponse:
    row = await _stored(visit)
    if row.state == "expired":
        return see_other(f"{HERE}/new?like={row.id}")
    return await _form(visit, row, changes=row)


async def take_new(visit: Visit) -> web.StreamResponse:
    try:
        async with visit.deps.database.tenant(visit.tenant_id) as conn:
            body = {**await _body(conn, visit), **_new_times(visit)}
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
        return await _form(visit, None, error=error)
    return see_other(f"{HERE}?said=created")


async def take_edit(visit: Visit) -> web.StreamResponse:
    row = await _stored(visit)
    try:
        async with visit.deps.database.tenant(visit.tenant_id) as conn:
            body = {**await _body(conn, visit), **_changed_times(visit, row)}
        await change_silence(
            visit.deps.database,
            tenant_id=visit.tenant_id,
            silence_id=row.id,
            body=body,
            write_source=visit.caller.write_source,
            check_revision=lambda _revision: None,
        )
    except (BadRequest, Conflict, Refused) as error:
        return await _form(visit, row, changes=row, error=error)
    return see_other(f"{HERE}?said=changed")


async def _stored(visit: Visit) -> SilenceRow:
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        row = await silences.silence(conn, tenant_id=visit.tenant_id, silence_id=visit.id("silence_id"))
    if row is None:
        raise NotFound("There is no such silence", code="SILENCE_NOT_FOUND")
    return row


async def _like(visit: Visit) -> SilenceRow | None:
    """The silence that is named; none for what names none."""
    try:
        silence_id = UUID(visit.query("like"))
    except ValueError:
        return None
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        return await silences.silence(conn, tenant_id=visit.tenant_id, silence_id=silence_id)


async def _body(conn: Connection, visit: Visit) -> dict[str, Any]:
    """What the form says, but for times."""
    match = await match_of_form(conn, visit)
    return {
        "name": visit.text("name"),
        "reason": visit.text("reason").replace("\r\n", "\n"),
        "match": {**match, "channel_ids": [str(each) for each in chosen_channels(visit)]},
    }


def _new_times(visit: Visit) -> dict[str, Any]:
    """From now on, or from the time that is named, for so long or until then."""
    starts, until = instant(visit.text("starts_at"), _UTC), instant(visit.text("ends_at"), _UTC)
    if until is None:
        begins = visit.deps.now() if starts is None or isinstance(starts, str) else starts
        _, lasts = LASTS.get(visit.text("lasts"), LASTS["1h"])
        until = begins + lasts
    return {"ends_at": until, **({} if starts is None else {"starts_at": starts})}


def _changed_times(visit: Visit, row: SilenceRow) -> dict[str, Any]:
    """What was typed anew: a field has no seconds, so one that was left alone says nothing."""
    found: dict[str, Any] = {}
    for name, stored in (("starts_at", row.starts_at), ("ends_at", row.ends_at)):
        if (typed := visit.text(name)) and typed != local(stored, _UTC):
            found[name] = instant(typed, _UTC)
    if visit.text("lasts") in LASTS:
        _, lasts = LASTS[visit.text("lasts")]
        found["ends_at"] = visit.deps.now() + lasts
    return found


async def _form(
    visit: Visit,
    row: SilenceRow | None,
    *,
    changes: SilenceRow | None = None,
    error: FarwatchError | None = None,
) -> web.StreamResponse:
    """The form with what was typed, else with what `row` says; `changes` is the silence that it would change."""
    posted = visit.call.request.method == "POST"
    match = typed_match(visit) if posted else match_of(row) if row else Match()
    chosen = chosen_channels(visit) if posted else row.channel_ids if row else []
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        offer = await offered(conn, visit, chosen=match.monitor_ids)
        channels = await configuration.all_channels(conn, tenant_id=visit.tenant_id)
    about = match_fields(visit, match, offer)
    whom = channels_field(channels, chosen, at="/match/channel_ids", label="Only these channels", hint="None is all.")
    name = _text(visit, row, "name", "Name", "Database upgrade", required=True)
    reason = _text(visit, row, "reason", "Why", "")
    times = _times(visit, changes)
    groups = [
        Group((name, _lasts(visit, changes), *(times if changes else ()))),
        Group(about[:2]),
        Group((*about[2:], whom), title="Groups, kinds, monitors, channels"),
        Group((reason,)) if changes else Group((*times, reason), title="Times of your own, and why"),
    ]
    shown, problem = told(groups, error)
    context = {
        "groups": shown,
        "problem": problem,
        "changes": changes,
        "here": f"{HERE}/{changes.id}" if changes else f"{HERE}/new",
    }
    return show(visit, "silence_form.html", context, status=200 if error is None else error.status)


def _lasts(visit: Visit, changes: SilenceRow | None) -> Field:
    words = {key: word for key, (word, _) in LASTS.items()}
    typed = visit.text("lasts")
    if changes is None:
        chosen = typed if visit.call.request.method == "POST" else "1h"
        return Field(name="lasts", label="For how long", at="/lasts", type="radios", options=options(words, {chosen}))
    ends = {"": "At the time below", **{key: f"In {word}" for key, word in words.items()}}
    chosen = typed if typed in LASTS else ""
    return Field(name="lasts", label="It ends", at="/lasts", type="radios", options=options(ends, {chosen}))


def _times(visit: Visit, changes: SilenceRow | None) -> tuple[Field, Field]:
    if changes is None:
        return (
            _when(visit, "starts_at", "From (UTC)", "Empty is now.", ""),
            _when(visit, "ends_at", "Until (UTC)", "Instead of how long; at most 90 days.", ""),
        )
    return (
        _when(visit, "ends_at", "Until (UTC)", "A time that is past ends it now.", local(changes.ends_at, _UTC)),
        _when(visit, "starts_at", "From (UTC)", "", local(changes.starts_at, _UTC)),
    )


def _text(
    visit: Visit, row: SilenceRow | None, name: str, label: str, placeholder: str, *, required: bool = False
) -> Field:
    value = visit.text(name) if visit.call.request.method == "POST" else getattr(row, name) if row else ""
    extra = {"autocomplete": "off", **({"placeholder": placeholder} if placeholder else {})}
    return Field(name=name, label=label, at=f"/{name}", value=value, required=required, extra=extra)


def _when(visit: Visit, name: str, label: str, hint: str, stored: str) -> Field:
    value = visit.text(name) if visit.call.request.method == "POST" else stored
    return Field(name=name, label=label, at=f"/{name}", type="datetime-local", value=value, hint=hint)


_writes = partial(form, scope="silences:write")

ROUTES: tuple[Route, ...] = (
    page(f"{HERE}/new", show_new, operation="show_silence_form", summary="A new silence", scope="silences:write"),
    _writes(f"{HERE}/new", take_new, operation="add_silence", summary="Mute notices for a while"),
    page(ONE, show_edit, operation="show_silence_edit", summary="A silence", scope="silences:write"),
    _writes(ONE, take_edit, operation="edit_silence", summary="Change the silence"),
)
