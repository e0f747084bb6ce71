"""/import: monitors from a file, as JSON, YAML or CSV, with the results of /monitors/bulk."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from control_plane.domain.configuration.config_yaml import read_yaml
from control_plane.domain.monitors.monitor_csv import read_monitor_rows
from control_plane.errors import BadRequest, Refused
from control_plane.tenant_api.bulk import BULK_ERRORS, MAX_BODY, BulkJson, BulkSchema, create_all
from control_plane.web.body import SERVER_OWNED, decode_object
from control_plane.web.call import Call, Reply
from control_plane.web.routes import Door, Route

MEDIA = ("application/json", "application/yaml", "text/csv")


class ImportQuery(Struct, frozen=True):
    """`atomic`: import all monitors of the file or none."""

    atomic: bool = False


async def import_monitors(call: Call) -> Reply:
    query: ImportQuery = call.query
    bodies = await asyncio.to_thread(_read, call.body, call.request.content_type)
    return await create_all(call, bodies, atomic=query.atomic)


def _read(raw: bytes, kind: str) -> list[Any]:
    match kind:
        case "text/csv":
            return read_monitor_rows(raw)
        case "application/yaml":
            return _monitors(_yaml(raw))
        case _:
            return _monitors(decode_object(raw))


def _yaml(raw: bytes) -> Any:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise BadRequest("The YAML cannot be read: it is not UTF-8", code="INVALID_YAML") from None
    return read_yaml(text, with_lines=False).value


def _monitors(document: Any) -> list[Any]:
    if isinstance(document, Mapping) and "version" in document:
        message = "This file is a whole configuration: send it to /api/v1/plan and /api/v1/apply"
        raise Refused(message, code="WHOLE_CONFIGURATION", field="/version")
    found = document.get("monitors") if isinstance(document, Mapping) else document
    unknown = [] if not isinstance(document, Mapping) else sorted({*document} - {"monitors", SERVER_OWNED})
    if unknown:
        message = f"{unknown[0][:60]} is not a field; known here: monitors"
        raise BadRequest(message, code="UNKNOWN_FIELD", field="/" + unknown[0].replace("~", "~0").replace("/", "~1"))
    if found is None:
        raise BadRequest("monitors is missing: a list of monitors", code="MISSING_FIELD", field="/monitors")
    if not isinstance(found, list):
        raise BadRequest("monitors must be a list", code="INVALID_TYPE", field="/monitors")
    return found


ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/api/v1/import",
        handler=import_monitors,
        operation="import_monitors",
        summary="Import up to 10,000 monitors from JSON, YAML or CSV",
        description=(
            "JSON and YAML: {monitors: […]}. CSV: a header and a row for each monitor. 201, or 200 where no monitor "
            "could be created. `Prefer: respond-async` answers 202 with a job."
        ),
        prefer=("respond-async",),
        tag="monitors",
        door=Door.TENANT,
        scope="monitors:write",
        body=bytes,
        media=MEDIA,
        schema=BulkSchema,
        query=ImportQuery,
        reply=BulkJson,
        status=201,
        or_status=200,
        errors=(*BULK_ERRORS, "INVALID_CSV", "INVALID_YAML", "WHOLE_CONFIGURATION"),
        example={"monitors": [{"name": "API", "check": "https://example.com/health"}]},
        max_body=MAX_BODY,
        category="bulk",
    ),
)
