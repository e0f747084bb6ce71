"""/apply: make the configuration equal to a file, all of it or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType, structs

from control_plane.domain.configuration.config_file import SECTIONS
from control_plane.errors import FarwatchError
from control_plane.services.configuration.apply_as_job import ApplyRequest, refuse_unscoped
from control_plane.services.configuration.apply_configuration import Applied, apply_configuration
from control_plane.services.configuration.write_planned import WRITE_SOURCE
from control_plane.services.installation.spare_others import no_full_collection
from control_plane.store.acting import acting, who_acts
from control_plane.tenant_api.config_schema import ConfigurationFile
from control_plane.tenant_api.configuration import (
    EXAMPLE,
    MAX_BODY,
    MEDIA,
    Document,
    means_of,
    name_lines,
    read_document,
)
from control_plane.tenant_api.jobs import ASYNC_ERRORS, ordered, wants_async
from control_plane.tenant_api.plan import OBJECT_ERRORS, FilePlanJson, plan_json
from control_plane.web.call import Call, Reply
from control_plane.web.routes import Door, Route


class AppliedJson(FilePlanJson, frozen=True, kw_only=True):
    """What was done, in the words of the plan. `made`: secrets that were made for new channels, shown this once."""

    made: Mapping[str, Mapping[str, Any]] = {}


class ApplyQuery(Struct, frozen=True):
    """`prune`: objects that the file's sections do not have are deleted. `plan_digest`: of the approved plan."""

    prune: bool = False
    plan_digest: str | UnsetType = UNSET


async def apply(call: Call) -> Reply:
    with no_full_collection():
        document = await read_document(call)
        if wants_async(call):
            return await _ordered(call, document)
        applied = await _applied(call, document)
        told = await asyncio.to_thread(plan_json, applied.planned)
        return Reply(AppliedJson(**structs.asdict(told), made=applied.made))


async def _ordered(call: Call, document: Document) -> Reply:
    query: ApplyQuery = call.query
    file = document.value if isinstance(document.value, dict) else {}
    asked = ApplyRequest(
        document=document.value, prune=query.prune, digest=_digest(query), scopes=sorted(call.tenant().scopes)
    )
    total = sum(len(section) for name in SECTIONS if isinstance(section := file.get(name), list))
    request = await asyncio.to_thread(msgspec.json.encode, asked)
    return await ordered(call, kind="apply_configuration", request=request, total=total)


async def _applied(call: Call, document: Document) -> Applied:
    query: ApplyQuery = call.query
    caller, actor = call.tenant(), who_acts()
    try:
        with acting(actor and structs.replace(actor, source=WRITE_SOURCE)):
            return await apply_configuration(
                call.deps.database,
                tenant_id=caller.tenant_id,
                document=document.value,
                means=means_of(call, prune=query.prune),
                digest=_digest(query),
                allow=lambda planned: refuse_unscoped(planned, caller.scopes),
            )
    except FarwatchError as error:
        name_lines(error, document.lines)
        raise


def _digest(query: ApplyQuery) -> str | None:
    return None if query.plan_digest is UNSET else query.plan_digest


ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/api/v1/apply",
        handler=apply,
        operation="apply_configuration",
        summary="Make the configuration equal to a file",
        description="In one transaction. Needs, besides `config:write`, the write scope of each section that changes. "
        "Applying the same file again changes nothing. `Prefer: respond-async` answers 202 with a job, whose result is "
        "the summary; it makes no secrets.",
        prefer=("respond-async",),
        tag="configuration",
        door=Door.TENANT,
        scope="config:write",
        body=bytes,
        schema=ConfigurationFile,
        media=MEDIA,
        query=ApplyQuery,
        reply=AppliedJson,
        errors=(*OBJECT_ERRORS, "PLAN_STALE", "SECRET_MISSING", "QUOTA_EXCEEDED", "CHANNEL_NAME_TAKEN", *ASYNC_ERRORS),
        example=EXAMPLE,
        max_body=MAX_BODY,
        category="bulk",
    ),
)
