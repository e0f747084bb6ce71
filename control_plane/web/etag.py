"""Entity tags, `If-Match` and `If-None-Match` (RFC 9110 sections 8.8.3, 13.1.1 and 13.1.2).

The tag of an object is its revision and a digest of what was said of it: `"12-9f2c51e07a3b44d0"`. If-Match asks for the
revision alone, so that a monitor may be changed though another check has come in since it was read. If-None-Match asks
for the whole tag, so that 304 means that nothing of the answer has changed, its state included. What has no revision
(lists, figures) has the digest alone.
"""

from __future__ import annotations

import hashlib
import re

from aiohttp import web

from control_plane.services.installation.require_revision import require_revision

_TAG = re.compile(r'"([0-9]{1,10})(?:-[0-9a-f]{16})?"')
_DIGEST_DIGITS = 16


def etag(revision: int | None, body: bytes) -> str:
    """The strong entity tag of an answer, with the revision of the object that it tells of."""
    digest = hashlib.sha256(body).hexdigest()[:_DIGEST_DIGITS]
    return f'"{digest}"' if revision is None else f'"{revision}-{digest}"'


def is_known(request: web.Request, tag: str) -> bool:
    """Whether the caller has this answer already, by the weak comparison that If-None-Match asks for."""
    header = request.headers.get("If-None-Match")
    if header is None:
        return False
    given = (part.strip().removeprefix("W/") for part in header.split(","))
    return any(part in (tag, "*") for part in given)


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
