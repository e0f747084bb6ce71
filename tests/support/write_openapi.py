"""Write the OpenAPI document that tests/contract holds the routes to: python -m tests.support.write_openapi"""

from __future__ import annotations

from pathlib import Path

from control_plane.app import openapi_document

GOLDEN = Path(__file__).parents[1] / "contract" / "openapi.json"

if __name__ == "__main__":
    GOLDEN.write_bytes(openapi_document())
