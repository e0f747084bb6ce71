"""Write the OpenAPI document that tests/contract holds the routes to: python -m tests.support.write_openapi"""

from __future__ import annotations

from pathlib import Path

import msgspec

from control_plane.app import openapi_document

GOLDEN = Path(__file__).parents[1] / "contract" / "openapi.json"


def readable() -> bytes:
    """The document in lines, so that a change of it can be reviewed."""
    return msgspec.json.format(openapi_document(), indent=2) + b"\n"


if __name__ == "__main__":
    GOLDEN.write_bytes(readable())
