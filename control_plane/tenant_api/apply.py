"""/apply: make the configuration equal to a file, all of it or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from msgspec import UNSET, Struct, UnsetType, structs

from control_plane.domain.config_file import SECTIONS
from control_plane.errors import FarwatchError, Forbidden
from control_plane.services.apply_configuration import apply_configuration
from control_plane.services.plan_steps import WRITES, Planned
from control_plane.services.write_planned import WRITE_SOURCE
from control_plane.store.acting import acting, who_acts
from control_plane.tenant_api.config_schema import ConfigurationFile
from control_plane.tenant_api.configuration import EXAMPLE, MAX_BODY, MEDIA, means_of, name_lines, read_document
from control_plane.tenant_api.plan import OBJECT_ERRORS, PlanJson, plan_json
from control_plane.web.call import Call, Reply
from control_plane.web.routes import Door, Route


class AppliedJson(PlanJson, frozen=True, kw_only=True):
    """What was done, in the words of the plan. `made`: secrets that were made for new channels, shown this once."""

    made: Mapping[str, Mapping[str, Any]] = {}


class ApplyQuery(Struct, frozen=True):
    """`prune`: objects that the file's sections do not have are deleted. `plan_digest`: of the approved plan."""

    prune: bool = False
    plan_digest: str | UnsetType = UNSET


async def apply(call: Call) -> Reply:
    query: ApplyQuery = call.query
    caller = call.tenant()
    document = await read_document(call)
    actor = who_acts()
    try:
        with acting(actor and structs.replace(actor, source=WRITE_SOURCE)):
            applied = await apply_configuration(
                call.deps.database,
                tenant_id=caller.tenant_id,
                document=document.value,
                means=means_of(call, prune=query.prune),
                digest=None if query.plan_digest is UNSET else query.plan_digest,
                allow=lambda planned: _refuse_unscoped(planned, caller.scopes),
            )
    except FarwatchError as error:
        name_lines(error, document.lines)
        raise
    told = await asyncio.to_thread(plan_json, applied.planned)
    return Reply(AppliedJson(**structs.asdict(told), made=applied.made))


def _refuse_unscoped(planned: Planned, scopes: frozenset[str]) -> None:
    """What changes needs the right to change it, as if it were changed by itself."""
    kinds = {step.change.kind for step in planned.steps if step.change.action in WRITES}
    needed = sorted(section.scope for section in SECTIONS.values() if section.kind in kinds)
    for scope in needed:
        if scope not in scopes:
            message = f"This file changes what needs the scope {scope}, which this key lacks: make one that has it"
            raise Forbidden(message, code="MISSING_SCOPE", details={"scope": scope})


ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/api/v1/apply",
        handler=apply,
        operation="apply_configuration",
        summary="Make the configuration equal to a file",
        description="In one transaction. Needs, besides `config:write`, the write scope of each section that changes. "
        "Applying the same file again changes nothing.",
        tag="configuration",
        door=Door.TENANT,
        scope="config:write",
        body=bytes,
        schema=ConfigurationFile,
        media=MEDIA,
        query=ApplyQuery,
        reply=AppliedJson,
        errors=(*OBJECT_ERRORS, "PLAN_STALE", "SECRET_MISSING", "QUOTA_EXCEEDED", "CHANNEL_NAME_TAKEN"),
        example=EXAMPLE,
        max_body=MAX_BODY,
        category="bulk",
    ),
)
