"""The OpenAPI 3.1 document, made from the routes and their types. The same routes give the same bytes.

document.py   operations, parameters, schemas       replies.py   answers: headers, examples, refusals by status
codes.py      which codes a route may answer        examples.py  examples.json: what a control plane really said
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from control_plane.openapi.codes import codes_of
from control_plane.openapi.document import build_document

DOCUMENT: web.AppKey[Callable[[], bytes]] = web.AppKey("openapi_document")
"""Where an application keeps what makes its document: doors may show it, and only app.py knows every route."""

__all__ = ["DOCUMENT", "build_document", "codes_of"]
