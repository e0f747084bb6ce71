"""What is kept of a receiver's answer: its beginning, printable, and without our secrets, should it repeat them. Pure.

A receiver that echoes its request, or a proxy before it that shows it in an error page, must not put a token on the
tenant's screen and into the log of deliveries. It may have taken the request apart: the path by itself, a parameter,
the password out of `Authorization`; and it may have escaped what it shows.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from control_plane.domain.channels.channel_rules import MASK
from control_plane.notify.transport import RESPONSE_LIMIT

_SHORTEST = 4
"""Characters below which a text is not masked: any answer has those."""
_SHORTEST_STEP = 8
"""The same of one step of a URL's path, which may well be a word such as hooks."""


def excerpt(body: bytes, *, secrets: Iterable[str], url: str | None = None) -> str | None:
    """The start of an answer with a mask for each of the secrets and for what in `url` may be one; None if empty."""
    text = body.decode("utf-8", "replace")
    hidden = {form for secret in (*secrets, *_parts(url or "")) if len(secret) >= _SHORTEST for form in _forms(secret)}
    for form in sorted(hidden, key=len, reverse=True):
        text = _without_start(text.replace(form, MASK), form)
    printable = "".join(character if character.isprintable() else " " for character in text)
    return printable.encode()[:RESPONSE_LIMIT].decode("utf-8", "ignore").strip() or None


def basic(username: str, password: str) -> str:
    """The credential of `Authorization: Basic` (RFC 7617)."""
    return base64.b64encode(f"{username}:{password}".encode()).decode()


def _without_start(text: str, form: str) -> str:
    """The text without the beginning of a secret that reading was cut off in."""
    at = text.find(form[:_SHORTEST_STEP], max(0, len(text) - len(form))) if len(form) > _SHORTEST_STEP else -1
    while at >= 0:
        if form.startswith(text[at:]):
            return text[:at] + MASK
        at = text.find(form[:_SHORTEST_STEP], at + 1)
    return text


def _parts(url: str) -> Iterator[str]:
    """The URL, its path with and without the query, their steps and values: each may be where the token is."""
    split = urlsplit(url)
    beyond = split.path + (f"?{split.query}" if split.query else "")
    yield from (part for part in (url, beyond, split.path, split.query) if len(part) >= _SHORTEST_STEP)
    yield from (step for step in split.path.split("/") if len(step) >= _SHORTEST_STEP)
    yield from (value for _, value in parse_qsl(split.query))


def _forms(secret: str) -> Iterator[str]:
    """The secret as it is, and as JSON, HTML and URLs have it."""
    yield from (secret, unquote(secret), quote(secret), quote(secret, safe=""))
    yield from (json.dumps(secret)[1:-1], html.escape(secret), html.escape(secret, quote=False))
