"""/export: a tenant's configuration as a file to keep in git; /schemas: what editors check such a file against."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

from aiohttp import web
from msgspec import Struct

from control_plane.domain.checks.target_text import target_text
from control_plane.domain.configuration.config_write import to_csv, to_json, to_yaml
from control_plane.errors import NotFound
from control_plane.services.configuration.export_configuration import export_configuration, export_monitor
from control_plane.services.configuration.read_configuration import Stored
from control_plane.services.installation.spare_others import no_full_collection
from control_plane.store.monitors import MonitorRow
from control_plane.tenant_api.config_schema import SCHEMA_PATH, ExportedFile, file_schema
from control_plane.tenant_api.configuration import read_stored, schema_url
from control_plane.tenant_api.one_monitor import PATH, READS
from control_plane.web.call import Call
from control_plane.web.dispatch import PUBLIC_READ
from control_plane.web.routes import Door, Route


class ExportQuery(Struct, frozen=True):
    """`csv` lists the monitors for a spreadsheet; only yaml and json can be applied."""

    format: Literal["yaml", "json", "csv"] = "yaml"


class MonitorExportQuery(Struct, frozen=True):
    """The form of the file."""

    format: Literal["yaml", "json"] = "yaml"


async def export(call: Call) -> web.Response:
    with no_full_collection():
        stored = await read_stored(call)
        return await asyncio.to_thread(_exported, stored, call.query.format, schema_url(call))


async def export_one(call: Call) -> web.Response:
    monitor_id = call.uuid("monitor_id")
    stored = await read_stored(call)
    row = next((row for row in stored.monitors if row.id == monitor_id), None)
    if row is None:
        raise NotFound("There is no such monitor", code="MONITOR_NOT_FOUND")
    document = await asyncio.to_thread(partial(export_monitor, stored, row))
    return _answer(document, call.query.format, schema_url(call))


async def schema(_call: Call) -> web.Response:
    headers = {"Cache-Control": PUBLIC_READ, "Access-Control-Allow-Origin": "*"}
    return web.Response(body=file_schema(), content_type="application/schema+json", headers=headers)


def _exported(stored: Stored, form: str, url: str) -> web.Response:
    return _answer(export_configuration(stored), form, url) if form != "csv" else _spreadsheet(stored)


def _answer(document: dict[str, Any], form: str, url: str) -> web.Response:
    if form == "json":
        return web.Response(body=to_json(document, schema_url=url), content_type="application/json")
    text = to_yaml(document, schema_url=url)
    return web.Response(text=text, content_type="application/yaml", charset="utf-8")


def _spreadsheet(stored: Stored) -> web.Response:
    slugs = {region.id: region.slug for region in stored.regions}
    lines = [_line(stored, row, slugs) for row in stored.monitors]
    headers = {
        "Content-Disposition": 'attachment; filename="farwatch-monitors.csv"',
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(text=to_csv(lines), content_type="text/csv", charset="utf-8", headers=headers)


def _line(stored: Stored, row: MonitorRow, slugs: Mapping[int, str]) -> dict[str, Any]:
    return {
        "key": row.key,
        "name": row.name,
        "type": row.kind,
        "target": target_text(stored.config(row).check),
        "interval": row.interval_s,
        "regions": [slugs[one] for one in row.regions if one in slugs],
        "tags": row.tags,
        "group": row.group,
        "severity": row.severity,
        "enabled": row.enabled,
        "owner": row.owner,
    }


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/export",
        handler=export,
        operation="export_configuration",
        summary="Write the whole configuration as a file",
        description="Without what is default and without secrets, in the same order every time. See /api/v1/plan.",
        tag="configuration",
        door=Door.TENANT,
        scope="config:read",
        query=ExportQuery,
        reply=ExportedFile,
        also=("application/yaml", "text/csv"),
    ),
    Route(
        method="GET",
        path=f"{PATH}/export",
        handler=export_one,
        operation="export_monitor",
        summary="Write one monitor as a configuration file",
        tag="configuration",
        door=Door.TENANT,
        scope="config:read",
        query=MonitorExportQuery,
        reply=ExportedFile,
        also=("application/yaml",),
        errors=READS,
    ),
    Route(
        method="GET",
        path=SCHEMA_PATH,
        handler=schema,
        operation="get_configuration_schema",
        summary="The JSON Schema of the configuration file",
        tag="Meta",
        door=Door.PUBLIC,
    ),
)
