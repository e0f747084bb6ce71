"""Revisions as strong entity tags, and `If-Match` (RFC 9110 sections 8.8.3 and 13.1.1)."""

from __future__ import annotations

import re

from aiohttp import web

from control_plane.services.require_revision import require_revision

_TAG = re.compile(r'"([0-9]{1,10})"')


def etag(revision: int) -> str:
    """The strong entity tag of a revision."""
    return f'"{revision}"'


def if_match(request: web.Request) -> frozenset[int] | None:
    """The revisions that the caller accepts; None when any will do (no header, or `*`).

    Weak and foreign tags never match by the strong comparison that If-Match asks for, so they are left out.
    """
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    found = (_TAG.fullmatch(part.strip()) for part in header.split(","))
    return frozenset(int(match[1]) for match in found if match)


def require_match(request: web.Request, revision: int) -> None:
    """Raise PreconditionFailed unless If-Match allows this revision."""
    require_revision(revision, if_match(request))
