"""/ack/{token}: the link in a message by which whoever reads it acknowledges the incident.

GET only asks: programs that look at links before people do must not acknowledge. The token names one incident and one
channel, and is all the credential there is, so the page tells no more than the message did.
"""

from __future__ import annotations

from aiohttp import web

from control_plane.domain.alerting.acknowledge_link import Acknowledgeable, read_acknowledge_token
from control_plane.errors import Conflict, NotFound
from control_plane.public_site.rendering import calm, form_fields, link_over, page
from control_plane.services.incidents.acknowledge_incident import acknowledge_incident
from control_plane.store import channels, incidents_read
from control_plane.store.channels import ChannelRow
from control_plane.store.incidents_read import IncidentView
from control_plane.web.call import Call
from control_plane.web.routes import Door, Handler, Route
from shared.ids import TenantId

NAME_LIMIT = 100


async def show(call: Call) -> web.StreamResponse:
    found = await _find(call)
    if found is None:
        return link_over(call)
    return _page(*found)


async def acknowledge(call: Call) -> web.StreamResponse:
    found = await _find(call)
    if found is None:
        return link_over(call)
    incident, channel = found
    try:
        await acknowledge_incident(
            call.deps.database,
            tenant_id=TenantId(channel.tenant_id),
            incident_id=incident.id,
            actor=_actor(call, channel),
            note=None,
        )
    except (Conflict, NotFound):
        return _page(*(await _find(call) or found))
    return page(
        "said.html",
        title="Acknowledged",
        text=f"{_named(incident)}. Reminders and escalation stop; the end will be told as usual.",
        mark="done",
    )


def _actor(call: Call, channel: ChannelRow) -> str:
    given = form_fields(call.body).get("name", "")
    name = " ".join("".join(each if each.isprintable() else " " for each in given).split())[:NAME_LIMIT]
    return f"{name} (through {channel.name})" if name else f"Whoever reads {channel.name}"


async def _find(call: Call) -> tuple[IncidentView, ChannelRow] | None:
    what = read_acknowledge_token(call.path["token"], pepper=call.deps.settings.security.pepper.encode())
    return None if what is None else await _read(call, what)


async def _read(call: Call, what: Acknowledgeable) -> tuple[IncidentView, ChannelRow] | None:
    tenant_id = TenantId(what.tenant_id)
    async with call.deps.database.tenant(tenant_id) as conn:
        incident = await incidents_read.get_incident(conn, tenant_id=tenant_id, incident_id=what.incident_id)
        channel = await channels.channel(conn, tenant_id=tenant_id, channel_id=what.channel_id)
    return None if incident is None or channel is None else (incident, channel)


def _page(incident: IncidentView, channel: ChannelRow) -> web.Response:
    if incident.state == "resolved":
        return page("said.html", title="This incident is over", text=f"{_named(incident)}.", mark="done")
    if incident.state == "acknowledged":
        by = incident.acknowledged_by or "somebody"
        return page("said.html", title="Acknowledged already", text=f"{_named(incident)}. By {by}.", mark="done")
    return page(
        "ask.html",
        title=_named(incident),
        text="Acknowledging tells everybody that somebody is on it: reminders and escalation stop.",
        facts=[
            ("Since", f"{incident.started_at:%-d %B %Y, %H:%M} UTC"),
            ("Cause", incident.cause),
            ("Told to", channel.name),
        ],
        asks_name=True,
        button="Acknowledge",
    )


def _named(incident: IncidentView) -> str:
    return f"Incident #{incident.number}: {incident.title or incident.monitor_name or incident.cause}"


def _route(method: str, handler: Handler, *, operation: str, summary: str) -> Route:
    posts = method == "POST"
    return Route(
        method=method,
        path="/ack/{token}",
        handler=calm(handler),
        operation=operation,
        summary=summary,
        tag="Public",
        door=Door.PUBLIC,
        body=bytes if posts else None,
        form=posts,
        in_openapi=False,
    )


ROUTES: tuple[Route, ...] = (
    _route("GET", show, operation="show_acknowledge_link", summary="Ask whether to acknowledge"),
    _route("POST", acknowledge, operation="follow_acknowledge_link", summary="Acknowledge by the link of a message"),
)
