"""/plan: what applying a configuration file would change. Nothing is written."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from control_plane.domain.configuration.config_diff import Change, PlanWarning
from control_plane.services.configuration.plan_steps import Planned
from control_plane.services.installation.spare_others import no_full_collection
from control_plane.tenant_api.config_schema import ConfigurationFile
from control_plane.tenant_api.configuration import (
    EXAMPLE,
    FILE_ERRORS,
    MAX_BODY,
    MEDIA,
    means_of,
    plan_document,
    read_document,
    read_stored,
)
from control_plane.tenant_api.one_monitor import RULES
from control_plane.tenant_api.page_components import WRITE_ERRORS as COMPONENT_ERRORS
from control_plane.tenant_api.routes import WRITE_ERRORS as ROUTE_ERRORS
from control_plane.tenant_api.status_pages import WRITE_ERRORS as PAGE_ERRORS
from control_plane.web.call import Call, Reply
from control_plane.web.channel_view import CONFIG_ERRORS
from control_plane.web.maintenance_view import WRITE_ERRORS
from control_plane.web.routes import Door, Route

_encoder = msgspec.json.Encoder()

_OF_PAGES = (*PAGE_ERRORS, *COMPONENT_ERRORS, "INVALID_MONITOR", "PAGE_FULL")
OBJECT_ERRORS = tuple(dict.fromkeys((*FILE_ERRORS, *RULES, *CONFIG_ERRORS, *WRITE_ERRORS, *ROUTE_ERRORS, *_OF_PAGES)))
"""Codes of a file that is refused."""


class Summary(Struct, frozen=True, kw_only=True):
    """How many objects of each fate. `unmanaged`: there, of a section that the file has, and not in it."""

    create: int = 0
    update: int = 0
    delete: int = 0
    unchanged: int = 0
    unmanaged: int = 0


class FilePlanJson(Struct, frozen=True, kw_only=True):
    """`drift`: applying would change something. `digest` goes with an apply that does this, or else nothing."""

    drift: bool
    summary: Summary
    changes: Sequence[Change]
    warnings: Sequence[PlanWarning]
    digest: str


class PlanQuery(Struct, frozen=True):
    """`prune`: objects that the file's sections do not have are deleted. `unchanged`: list those, too."""

    prune: bool = False
    unchanged: bool = False


async def plan(call: Call) -> Reply:
    with no_full_collection():
        document = await read_document(call)
        planned = await plan_document(await read_stored(call), document, means_of(call, prune=call.query.prune))
        return Reply(await asyncio.to_thread(plan_json, planned, unchanged=call.query.unchanged))


def plan_json(planned: Planned, *, unchanged: bool = False) -> FilePlanJson:
    """The plan as JSON shows it; its changes, which may be megabytes, are written already."""
    changes = [step.change for step in planned.steps]
    counted = Counter[str](change.action for change in changes)
    return FilePlanJson(
        drift=planned.writes,
        summary=Summary(**counted),
        changes=[_written(change) for change in changes if unchanged or change.action != "unchanged"],
        warnings=planned.warnings,
        digest=planned.digest,
    )


def _written(change: Change) -> Any:
    return msgspec.Raw(_encoder.encode(change))


ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/api/v1/plan",
        handler=plan,
        operation="plan_configuration",
        summary="Tell what applying a configuration file would change",
        description="Secrets show as `***`. Whether a given secret differs from the stored one is told to keys with "
        "`config:write` alone.",
        tag="configuration",
        door=Door.TENANT,
        scope="config:read",
        body=bytes,
        schema=ConfigurationFile,
        media=MEDIA,
        query=PlanQuery,
        reply=FilePlanJson,
        errors=OBJECT_ERRORS,
        example=EXAMPLE,
        max_body=MAX_BODY,
        category="bulk",
    ),
)
