"""What is kept of a bad answer, so that people can see why: few headers, the start of the body, and no secret."""

from __future__ import annotations

from codecs import getincrementaldecoder

from agent.checks.http_assertions import Undecodable, decoded_body
from agent.checks.http_protocol import EXCERPT_KEPT, Response
from agent.checks.http_secrets import MASK, mask, mask_end
from shared.checks.secret_headers import is_secret_header
from shared.results import BODY_EXCERPT_LIMIT, MESSAGE_LIMIT, Evidence

SHOWN_HEADERS = frozenset(
    (
        "age",
        "alt-svc",
        "cache-control",
        "cf-ray",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "location",
        "retry-after",
        "server",
        "set-cookie",
        "transfer-encoding",
        "via",
        "www-authenticate",
        "x-cache",
        "x-request-id",
    )
)
"""Headers that help to understand a failure; asserted ones are added."""

_CHALLENGES = ("www-authenticate", "proxy-authenticate")
"""These name a scheme and a realm; no credential is in them, whatever their names look like."""

_MAX_HEADERS = 20
_MAX_RESOLVED = 32


def gather(
    *,
    response: Response | None,
    resolved: tuple[str, ...],
    hops: tuple[str, ...],
    chain: tuple[str, ...],
    asserted: frozenset[str],
    hidden: tuple[str, ...],
) -> Evidence:
    """The bundle, within the limits of shared.results. `hops` are the URLs that redirects led to."""
    return Evidence(
        status_line=_status_line(response, hidden),
        headers={} if response is None else _headers(response, SHOWN_HEADERS | asserted, hidden),
        body_excerpt=None if response is None else _excerpt(response, hidden),
        resolved=resolved[:_MAX_RESOLVED],
        redirects=tuple(mask(hop, hidden)[:2048] for hop in hops[:11]),
        chain=chain,
    )


def _status_line(response: Response | None, hidden: tuple[str, ...]) -> str | None:
    if response is None:
        return None
    phrase = mask_end(response.phrase.decode("latin-1"), hidden)
    return _clean(f"HTTP/{response.version} {response.status:03} {phrase}")[:200].rstrip()


def _headers(response: Response, shown: frozenset[str], hidden: tuple[str, ...]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for raw_name, raw_value in response.headers:
        name = raw_name.decode("latin-1").lower()
        if name in shown and name not in kept and len(kept) < _MAX_HEADERS and len(name) <= 200:
            is_secret = is_secret_header(name) and name not in _CHALLENGES
            value = MASK if is_secret else mask(raw_value.decode("latin-1"), hidden)
            kept[name] = _clean(value)[:MESSAGE_LIMIT]
    return kept


def _excerpt(response: Response, hidden: tuple[str, ...]) -> str | None:
    """The first 2 KiB as UTF-8, secrets masked before the cut so that none is cut in two.

    Masking shortens: what was cut off where reading ended may move into the excerpt, so the end is masked as well.
    """
    try:
        body = decoded_body(response, limit=EXCERPT_KEPT)
    except Undecodable:
        return None
    is_cut = response.is_cut or len(body) >= EXCERPT_KEPT
    whole = getincrementaldecoder("utf-8")("replace").decode(body, final=not is_cut)  # no half of a character
    text = (mask_end if is_cut else mask)(whole, hidden).replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return text.encode()[:BODY_EXCERPT_LIMIT].decode("utf-8", "ignore") or None


def _clean(text: str) -> str:
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
