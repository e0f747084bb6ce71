"""Every page of a list, one after another."""

from __future__ import annotations

from typing import Any

from control_plane.cli.api_client import ApiClient

PAGE = 200


def every_item(client: ApiClient, path: str, **query: Any) -> list[dict[str, Any]]:
    """All items of a list that is paged by position."""
    items: list[dict[str, Any]] = []
    while True:
        page = client.get(path, limit=PAGE, offset=len(items), **query)
        items += page["items"]
        if not page["items"] or len(items) >= page["total"]:
            return items
