"""The OpenAPI 3.1 document, made from the routes and their types. The same routes give the same bytes.

document.py   operations, parameters, schemas       replies.py   answers: headers, examples, refusals by status
codes.py      which codes a route may answer        examples.py  examples.json: what a control plane really said
"""

from __future__ import annotations

from control_plane.openapi.codes import codes_of
from control_plane.openapi.document import build_document

__all__ = ["build_document", "codes_of"]
