"""The grammar of URLs: stricter than any library's, so that no two readers see different hosts.

Grammar only: whether the host may be reached is for `judge` to say.
"""

from __future__ import annotations

import re
from typing import Literal

from shared.netpolicy.hosts import bad_format, parse_host
from shared.netpolicy.model import HttpUrl, UrlRefused

URL_LIMIT = 2048
"""Characters of a URL, both as written and percent-encoded."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f\\\ud800-\udfff]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(//)?")
_PORT = re.compile(r"[1-9][0-9]{0,4}\Z")
# What the URL standard leaves alone in a path and in a query; a percent sign only before two hex digits.
_NOT_IN_PATH = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~!$&'()*+,;=:@/\[\]|%]")
_NOT_IN_QUERY = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~!$&()*+,;=:@/?\[\]|^`{}%]")


def parse_http_url(text: str, *, limit: int = URL_LIMIT) -> HttpUrl:
    """Parse and canonicalise. Raises UrlRefused INVALID_URL_SCHEME or INVALID_URL_FORMAT, nothing else."""
    if len(text) > limit:
        raise bad_format(f"the URL is longer than {limit} characters")
    if _FORBIDDEN.search(text):
        raise bad_format("the URL has a space, a control character or a backslash; percent-encode what belongs in it")
    scheme, rest = _split_scheme(text)
    rest = rest.partition("#")[0]
    end = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    host, is_literal, port = _parse_authority(rest[:end], scheme)
    shown = f"[{host}]" if ":" in host else host
    host_header = shown if port == _DEFAULT_PORTS[scheme] else f"{shown}:{port}"
    url = HttpUrl(
        scheme=scheme,
        host=host,
        is_literal=is_literal,
        port=port,
        path_and_query=_request_target(rest[end:]),
        host_header=host_header,
        origin=f"{scheme}://{host_header}",
    )
    if len(str(url)) > limit:
        raise bad_format(f"the URL is longer than {limit} characters once it is percent-encoded")
    return url


def resolve_reference(base: HttpUrl, reference: str) -> str:
    """The text of a reference relative to `base` (RFC 3986 section 5.2), for parse_http_url to judge.

    It removes the dot segments too. Blanks inside are encoded, as browsers do: servers send them.
    """
    reference = reference.strip(" \t").replace(" ", "%20").partition("#")[0]
    path = base.path_and_query.partition("?")[0]
    if _SCHEME.match(reference):
        return reference
    if reference.startswith("//"):
        return f"{base.scheme}:{reference}"
    if reference.startswith("/"):
        return base.origin + reference
    if reference.startswith("?"):
        return base.origin + path + reference
    if not reference:
        return str(base)
    return base.origin + path[: path.rfind("/") + 1] + reference


def _split_scheme(text: str) -> tuple[Literal["http", "https"], str]:
    match = _SCHEME.match(text)
    if match is None or (match[2] is None and "." in match[1]):
        raise bad_format("the URL has no scheme; write it in full, like https://example.com/")
    rest = text[match.end() :]
    match match[1].lower():
        case "http" | "https" if match[2] is None:
            raise bad_format("the scheme must be followed by //, like https://example.com/")
        case "http":
            return "http", rest
        case "https":
            return "https", rest
        case other:
            raise UrlRefused(
                "INVALID_URL_SCHEME",
                f"the scheme {other[:40]!r} is not allowed: use http or https",
                {"scheme": other[:40]},
            )


def _parse_authority(text: str, scheme: str) -> tuple[str, bool, int]:
    if "@" in text:
        raise bad_format("the URL has credentials before its host; put them in basic_auth")
    head, colon, port_text = text.rpartition(":")
    if not colon or (text.startswith("[") and text.endswith("]")):
        head, port_text = text, ""
    host, is_literal = parse_host(head)
    return host, is_literal, _parse_port(port_text) or _DEFAULT_PORTS[scheme]


def _parse_port(text: str) -> int | None:
    """None for an empty port, which means the default (RFC 3986 section 3.2.3)."""
    if not text:
        return None
    if not _PORT.match(text) or int(text) > 65535:
        raise bad_format("the port must be a number from 1 to 65535 without leading zeros")
    return int(text)


def _request_target(text: str) -> str:
    path, mark, query = text.partition("?")
    target = _without_dot_segments(_NOT_IN_PATH.sub(_percent_encode, path))
    return target + mark + _NOT_IN_QUERY.sub(_percent_encode, query)


def _percent_encode(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8"))


def _without_dot_segments(path: str) -> str:
    """RFC 3986 section 5.2.4."""
    kept: list[str] = []
    segments = path.split("/")[1:] or [""]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)
