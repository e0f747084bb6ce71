"""/app/channels/{id}/messages: the tenant's own texts for messages, and what they look like."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from aiohttp import web

from control_plane.dashboard.alerting.channel_form import ONE
from control_plane.dashboard.fields import Field, Group, told
from control_plane.dashboard.visit import Visit, form, page, see_other, show
from control_plane.domain.alerting.alerting import IncidentFacts, MonitorFacts
from control_plane.domain.alerting.message_template import LIMITS, PARTS, PLACEHOLDERS, read_templates
from control_plane.domain.alerting.message_words import Words
from control_plane.errors import BadRequest, NotFound
from control_plane.notify import render, transports
from control_plane.notify.render import Surroundings
from control_plane.notify.told import Told
from control_plane.services.alerting.change_channel import ChannelChange, change_channel
from control_plane.store import channels
from control_plane.web.routes import Route

_LABELS = {
    "title": "Title",
    "text": "Text",
    "resolved_title": "Title of a recovery",
    "resolved_text": "Text of a recovery",
}


async def show_messages(visit: Visit) -> web.StreamResponse:
    return await _page(visit)


async def take_messages(visit: Visit) -> web.StreamResponse:
    try:
        templates = read_templates(_typed(visit), pointer="/templates")
        if visit.text("do") == "preview":
            return await _page(visit)
        await change_channel(
            visit.deps.database,
            sealer=visit.deps.sealer,
            transports=transports(visit.deps.settings),
            tenant_id=visit.tenant_id,
            channel_id=visit.id("channel_id"),
            change=ChannelChange(templates=dict(templates) if templates else None),
            write_source=visit.caller.write_source,
            check_revision=lambda _revision: None,
        )
    except BadRequest as error:
        return await _page(visit, error)
    return see_other(f"/app/channels/{visit.id('channel_id')}?said=changed")


async def _page(visit: Visit, error: BadRequest | None = None) -> web.StreamResponse:
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        row = await channels.channel(conn, tenant_id=visit.tenant_id, channel_id=visit.id("channel_id"))
    if row is None:
        raise NotFound("There is no such channel")
    posted = visit.call.request.method == "POST"
    texts = _typed(visit) if posted else dict(row.templates or {})
    groups, problem = told([Group(tuple(_field(part, texts.get(part, "")) for part in PARTS))], error)
    context = {
        "here": f"/app/channels/{row.id}",
        "channel": row.name,
        "groups": groups,
        "problem": problem,
        "placeholders": [f"{{{name}}}" for name in PLACEHOLDERS],
        "previews": [] if error is not None else _previews(visit, texts),
    }
    return show(visit, "channel_messages.html", context, status=200 if error is None else error.status)


def _typed(visit: Visit) -> dict[str, str]:
    return {part: visit.text(part).replace("\r\n", "\n") for part in PARTS}


def _field(part: str, value: str) -> Field:
    long = part.endswith("text")
    return Field(
        name=part,
        label=_LABELS[part],
        at=f"/templates/{part}",
        type="area" if long else "text",
        rows=4,
        value=value,
        hint=f"Up to {LIMITS[part]} characters; empty for ours.",
        extra={"spellcheck": "false", "autocomplete": "off"},
    )


def _previews(visit: Visit, texts: dict[str, str]) -> list[tuple[str, Words]]:
    """How an outage and its end would read on this channel."""
    kept = {part: text for part, text in texts.items() if text} or None
    opened, resolved = _example(visit, over=False), _example(visit, over=True)
    now = visit.deps.now()
    return [
        ("When it opens", render.words([opened], Surroundings(notice="opened", now=now, templates=kept))),
        ("When it is over", render.words([resolved], Surroundings(notice="resolved", now=now, templates=kept))),
    ]


def _example(visit: Visit, *, over: bool) -> Told:
    now = visit.deps.now()
    started = now - timedelta(minutes=12)
    incident = IncidentFacts(
        id=UUID(int=0),
        number=42,
        type="down",
        severity="major",
        state="resolved" if over else "triggered",
        started_at=started,
        resolved_at=now if over else None,
        cause="Connection refused from 2 of 3 regions",
        regions_down=("eu-central", "us-east"),
        regions_up=("ap-south",),
    )
    return Told(
        event="incident.resolved" if over else "incident.opened",
        reason="Up from 3 of 3 regions" if over else "Connection refused from 2 of 3 regions",
        occurred_at=now,
        incident=incident,
        monitor=MonitorFacts(id=UUID(int=0), number=7, name="Checkout", kind="http", tags=("prod",), group="Shop"),
    )


ROUTES: tuple[Route, ...] = (
    page(f"{ONE}/messages", show_messages, operation="show_messages", summary="Its messages", scope="channels:read"),
    form(
        f"{ONE}/messages",
        take_messages,
        operation="change_messages",
        summary="Preview or change texts of messages",
        scope="channels:write",
    ),
)
