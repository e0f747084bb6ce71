"""/status/{slug}/api/v2: the same page in the shape of Atlassian Statuspage, for programs that read that.

The names, nesting and words are theirs (https://www.atlassianstatus.com/api, developer.statuspage.io). Their components
know no "no data": it is told as degraded_performance, for what nobody knows is not known to work. Our own word stands
beside it as farwatch_status. The page's id is its slug.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec
from aiohttp import web

from control_plane.domain.pages.public_page import (
    ComponentState,
    PublicComponent,
    PublicGroup,
    PublicIncident,
    PublicMaintenance,
    PublicPage,
    PublicUpdate,
)
from control_plane.errors import NotFound
from control_plane.public_site.language import language
from control_plane.public_site.status_page_door import answer, base_of, opened, origin_of
from control_plane.services.pages.keep_public_pages import Copy
from control_plane.web.call import Call
from control_plane.web.routes import Door, Route

Json = dict[str, Any]

STATUSES: Mapping[ComponentState, str] = {
    "operational": "operational",
    "degraded": "degraded_performance",
    "partial_outage": "partial_outage",
    "major_outage": "major_outage",
    "maintenance": "under_maintenance",
    "no_data": "degraded_performance",
}
INDICATORS: Mapping[ComponentState, str] = {
    "operational": "none",
    "degraded": "minor",
    "partial_outage": "major",
    "major_outage": "critical",
    "maintenance": "maintenance",
    "no_data": "minor",
}


class Shape:
    """One page in that shape. `site` is its address."""

    def __init__(self, copy: Copy, site: str) -> None:
        self._page: PublicPage = copy.page
        self._stale_since = copy.stale_since
        self._site = site

    def head(self) -> Json:
        page = self._page
        told = {
            "id": page.slug,
            "name": page.title,
            "url": self._site,
            "time_zone": "Etc/UTC",
            "updated_at": _at(page.as_of),
        }
        return told if self._stale_since is None else {**told, "stale_since": _at(self._stale_since)}

    def status(self) -> Json:
        state = self._page.state
        verdict = language(self._page.language).say(f"verdict_{state}")
        return {"indicator": INDICATORS[state], "description": verdict, "farwatch_status": state}

    def components(self) -> list[Json]:
        """Groups are components, too, in this shape: each before its own."""
        found: list[Json] = []
        for group in self._page.groups:
            group_id = None if group.name is None else uuid5(NAMESPACE_URL, f"{self._page.slug}\n{group.name}")
            if group_id is not None:
                found.append(self._group(group, group_id, position=len(found) + 1))
            for each in group.components:
                found.append(self._component(each, group_id, position=len(found) + 1))
        return found

    def _group(self, group: PublicGroup, group_id: UUID, *, position: int) -> Json:
        first = min(each.since for each in group.components)
        return {
            **self._line(str(group_id), group.name or "", group.state, first, position=position),
            "description": None,
            "group_id": None,
            "group": True,
            "components": [str(each.id) for each in group.components],
        }

    def _component(self, each: PublicComponent, group_id: UUID | None, *, position: int) -> Json:
        return {
            **self._line(str(each.id), each.name, each.state, each.since, position=position),
            "description": each.description or None,
            "group_id": None if group_id is None else str(group_id),
            "group": False,
        }

    def _line(self, id_: str, name: str, state: ComponentState, since: datetime, *, position: int) -> Json:
        return {
            "id": id_,
            "name": name,
            "status": STATUSES[state],
            "farwatch_status": state,
            "created_at": _at(since),
            "updated_at": _at(since),
            "position": position,
            "showcase": False,
            "start_date": None,
            "page_id": self._page.slug,
            "only_show_if_degraded": False,
        }

    def incidents(self, *, only_open: bool) -> list[Json]:
        found = self._page.open_incidents if only_open else self._page.incidents
        return [self._incident(each) for each in found]

    def _incident(self, each: PublicIncident) -> Json:
        monitoring = next((update.at for update in each.updates if update.phase == "monitoring"), None)
        return {
            "id": str(each.id),
            "name": each.title,
            "status": each.phase,
            "impact": each.impact,
            "created_at": _at(each.started_at),
            "started_at": _at(each.started_at),
            "updated_at": _at(each.updated_at),
            "monitoring_at": _at(monitoring),
            "resolved_at": _at(each.resolved_at),
            "shortlink": f"{self._site}/incidents/{each.id}",
            "page_id": self._page.slug,
            "incident_updates": [self._update(each, update, n) for n, update in _newest_first(each.updates)],
            "components": self._named(each.component_ids),
        }

    def _update(self, incident: PublicIncident, update: PublicUpdate, number: int) -> Json:
        return {
            "id": str(uuid5(incident.id, str(number))),
            "incident_id": str(incident.id),
            "status": update.phase,
            "body": update.text,
            "created_at": _at(update.at),
            "updated_at": _at(update.at),
            "display_at": _at(update.at),
            "affected_components": None,
        }

    def windows(self, *, active: bool | None = None) -> list[Json]:
        """Maintenance that is not over: all that the page tells, what holds now, or what is to come."""
        told = [each for each in self._page.maintenance if active is None or each.active == active]
        return [self._window(each, "in_progress" if each.active else "scheduled") for each in told]

    def held(self) -> list[Json]:
        """Maintenance that is over, the newest first."""
        return [self._window(each, "completed") for each in self._page.held]

    def _window(self, each: PublicMaintenance, status: str) -> Json:
        over = status == "completed"
        return {
            "id": str(uuid5(each.id, _at(each.starts_at) or "")),
            "name": each.title,
            "status": status,
            "impact": "maintenance",
            "created_at": _at(each.starts_at),
            "started_at": _at(each.starts_at),
            "updated_at": _at(each.ends_at if over else each.starts_at),
            "monitoring_at": None,
            "resolved_at": _at(each.ends_at) if over else None,
            "scheduled_for": _at(each.starts_at),
            "scheduled_until": _at(each.ends_at),
            "shortlink": self._site,
            "page_id": self._page.slug,
            "incident_updates": [],
            "components": self._named(each.component_ids),
        }

    def _named(self, ids: Sequence[UUID]) -> list[Json]:
        wanted = {str(each) for each in ids}
        return [each for each in self.components() if each["id"] in wanted]


def _newest_first(updates: Sequence[PublicUpdate]) -> list[tuple[int, PublicUpdate]]:
    return list(reversed(list(enumerate(updates))))


def _at(instant: datetime | None) -> str | None:
    """As they write it: milliseconds, and Z."""
    return None if instant is None else instant.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def summary(shape: Shape) -> Json:
    return {
        "page": shape.head(),
        "components": shape.components(),
        "incidents": shape.incidents(only_open=True),
        "scheduled_maintenances": shape.windows(),
        "status": shape.status(),
    }


DOCUMENTS: Mapping[str, Callable[[Shape], Json]] = {
    "summary": summary,
    "status": lambda shape: {"page": shape.head(), "status": shape.status()},
    "components": lambda shape: {"page": shape.head(), "components": shape.components()},
    "incidents": lambda shape: {"page": shape.head(), "incidents": shape.incidents(only_open=False)},
    "incidents/unresolved": lambda shape: {"page": shape.head(), "incidents": shape.incidents(only_open=True)},
    "scheduled-maintenances": lambda shape: {
        "page": shape.head(),
        "scheduled_maintenances": [*shape.windows(), *shape.held()],
    },
    "scheduled-maintenances/upcoming": lambda shape: {
        "page": shape.head(),
        "scheduled_maintenances": shape.windows(active=False),
    },
    "scheduled-maintenances/active": lambda shape: {
        "page": shape.head(),
        "scheduled_maintenances": shape.windows(active=True),
    },
}


async def serve(call: Call) -> web.Response:
    copy = await opened(call)
    name, dot, extension = call.path["document"].rpartition(".")
    document = DOCUMENTS.get(name)
    if document is None or (dot, extension) != (".", "json"):
        raise NotFound(f"There is no such document; known: {', '.join(f'{each}.json' for each in DOCUMENTS)}")
    site = f"{origin_of(call, copy.face)}{base_of(copy.face.slug)}"
    make = partial(_encoded, document, copy, site)
    return answer(call, copy, ("v2", name), make, media="application/json", more={"Access-Control-Allow-Origin": "*"})


def _encoded(document: Callable[[Shape], Json], copy: Copy, site: str) -> bytes:
    return msgspec.json.encode(document(Shape(copy, site)))


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/status/{slug}/api/v2/{document:.+}",
        handler=serve,
        operation="get_page_in_statuspage_shape",
        summary="A status page in the shape of Atlassian Statuspage",
        tag="public pages",
        door=Door.PUBLIC,
        in_openapi=False,
    ),
)
