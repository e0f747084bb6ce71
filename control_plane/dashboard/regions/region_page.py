"""/app/regions/{region}: one region. Of a private one also its agents, and the forms to keep it."""

from __future__ import annotations

from functools import partial
from typing import Any

from aiohttp import web
from msgspec.structs import replace

from control_plane.dashboard.regions.list_page import HERE
from control_plane.dashboard.regions.region_form import Entered, read_region
from control_plane.dashboard.regions.region_views import agent_view, duty_words, health, place
from control_plane.dashboard.rendering import html
from control_plane.dashboard.visit import Visit, form, frame, page, see_other
from control_plane.errors import BadRequest, Conflict, Refused
from control_plane.services.fleet.change_region import remove_region
from control_plane.services.fleet.issue_probe_key import IssuedProbeKey
from control_plane.services.fleet.keep_private_region import change_private_region, require_private, unknown_region
from control_plane.services.fleet.read_regions import read_regions
from control_plane.store import region_agents
from control_plane.store.agents import Agent
from control_plane.store.regions import Region
from control_plane.web.routes import Route

ONE = f"{HERE}/{{region}}"
_MOST = 200


async def show_region(visit: Visit) -> web.StreamResponse:
    return await region_shown(visit)


async def region_shown(
    visit: Visit,
    *,
    entered: Entered | None = None,
    issued: IssuedProbeKey | None = None,
    agent_name: str = "",
    problem: str = "",
    status: int = 200,
) -> web.Response:
    """The page; `issued` is told this once."""
    slug = visit.call.path["region"]
    seen = await read_regions(visit.deps.database, tenant_id=visit.tenant_id)
    region = next((each for each in seen.regions if each.slug == slug), None)
    if region is None:
        raise unknown_region()
    now = visit.deps.now()
    agents = await _agents(visit, region)
    origin = frame(visit)["origin"]
    context: dict[str, Any] = {
        "frame": frame(visit),
        "region": region,
        "place": place(region),
        "health": health(region, seen.last_heard.get(region.key), now),
        "duty": duty_words(seen.duties.get(region.key)),
        "kinds": ", ".join(seen.kinds.get(region.key, ())),
        "private": region.tenant_id is not None,
        "agents": [agent_view(agent, now) for agent in agents],
        "gaps": [gap for gap in seen.gaps if gap.region.key == region.key],
        "may_change": visit.may("regions:write"),
        "entered": entered or _stored(region),
        "agent_name": agent_name,
        "probe_key": issued.key if issued else "",
        "issued_to": issued.agent.name if issued else "",
        "rotated": issued is not None and issued.previous_key_until is not None,
        "join": f"farwatch-agent join {origin} --key {issued.key}" if issued else "",
        "problem": problem,
    }
    return html("region.html", context, status=status)


async def _agents(visit: Visit, region: Region) -> list[Agent]:
    if region.tenant_id is None:
        return []
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        found, _ = await region_agents.list_own(
            conn, tenant_id=visit.tenant_id, region=region.slug, limit=_MOST, offset=0
        )
    return found


async def change(visit: Visit) -> web.StreamResponse:
    fields, entered = read_region(visit.text)
    if entered.problems:
        return await region_shown(visit, entered=entered, status=BadRequest.status)
    try:
        await change_private_region(
            visit.deps.database,
            tenant_id=visit.tenant_id,
            slug=visit.call.path["region"],
            fields=fields,
            check_revision=lambda _revision: None,
        )
    except (BadRequest, Conflict, Refused) as error:
        entered = replace(entered, problem=f"{error.message}.")
        return await region_shown(visit, entered=entered, status=error.status)
    return see_other(f"{HERE}/{visit.call.path['region']}")


async def remove(visit: Visit) -> web.StreamResponse:
    slug = visit.call.path["region"]
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        await require_private(conn, tenant_id=visit.tenant_id, slug=slug)
    await remove_region(visit.deps.database, slug, tenant_id=visit.tenant_id, check_revision=lambda _revision: None)
    return see_other(HERE)


def _stored(region: Region) -> Entered:
    return Entered(
        {
            "name": region.name,
            "city": region.city or "",
            "country": region.country or "",
            "latitude": "" if region.latitude is None else f"{region.latitude:g}",
            "longitude": "" if region.longitude is None else f"{region.longitude:g}",
            "allow_cidrs": "\n".join(region.allow_cidrs),
        },
        region.enabled,
    )


_writes = partial(form, scope="regions:write")

ROUTES: tuple[Route, ...] = (
    page(ONE, show_region, operation="show_region", summary="A region and its agents", scope="regions:read"),
    _writes(ONE, change, operation="change_region_from_page", summary="Change a private region"),
    _writes(f"{ONE}/remove", remove, operation="remove_region_from_page", summary="Remove a private region"),
)
