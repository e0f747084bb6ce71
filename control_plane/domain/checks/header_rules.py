"""What a tenant may put into the headers of a check. Values are never repeated in a message: they may be secrets."""

from __future__ import annotations

import re

from control_plane.domain.checks.secrets_of_check import MASK
from control_plane.domain.field_rules import child, refuse

MAX_HEADERS = 50
MAX_HEADER_BYTES = 8192
"""Names and values together."""

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")  # a token (RFC 9110 section 5.6.2)
_VALUE = re.compile(r"[\t\x20-\x7e]*")

_RESERVED = frozenset(
    {
        "accept-encoding", "connection", "content-length", "expect", "forwarded", "host", "http2-settings",
        "keep-alive", "metadata", "metadata-flavor", "proxy-connection", "te", "trailer", "transfer-encoding",
        "upgrade", "via", "x-client-ip", "x-google-metadata-request", "x-original-forwarded-for", "x-real-ip",
        "true-client-ip",
    }
)  # fmt: skip
_RESERVED_PREFIXES = ("x-aws-ec2-metadata-", "x-forwarded-")


def is_reserved(name: str) -> bool:
    """Whether the header is the agent's own (framing, encoding), spoofs a source, or unlocks a cloud's metadata."""
    lower = name.lower()
    return lower in _RESERVED or lower.startswith(_RESERVED_PREFIXES)


def request_headers(value: object, pointer: str) -> dict[str, str]:
    """Headers to send: no reserved name."""
    headers = expected_headers(value, pointer)
    for name in headers:
        if is_reserved(name):
            refuse(
                "INVALID_HEADER",
                "this header is set by the agent and cannot be chosen; remove it",
                child(pointer, name),
            )
    return headers


def expected_headers(value: object, pointer: str) -> dict[str, str]:
    """Names and values of printable ASCII, each name once whatever its case, 8 KiB in all."""
    if not isinstance(value, dict):
        refuse("INVALID_TYPE", "headers must be an object of strings", pointer)
    if len(value) > MAX_HEADERS:
        refuse("INVALID_HEADER", f"there may be at most {MAX_HEADERS} headers", pointer)
    headers = {name: _header(name, text, child(pointer, str(name))) for name, text in value.items()}
    if len({name.lower() for name in headers}) < len(headers):
        refuse("INVALID_HEADER", "a header is named twice, in different case; keep one of them", pointer)
    if sum(len(name) + len(text) for name, text in headers.items()) > MAX_HEADER_BYTES:
        refuse("INVALID_HEADER", f"the headers have more than {MAX_HEADER_BYTES} bytes in all", pointer)
    return headers


def _header(name: object, value: object, pointer: str) -> str:
    if not isinstance(name, str) or not isinstance(value, str):
        refuse("INVALID_TYPE", "a header must be a string", pointer)
    if not _NAME.fullmatch(name):
        refuse("INVALID_HEADER", "a header's name must be 1 to 100 letters, digits and hyphens", pointer)
    if not _VALUE.fullmatch(value):
        refuse("INVALID_HEADER", "a header's value must be printable ASCII without line breaks", pointer)
    return value.strip(" \t")


def refuse_masked(value: object, pointer: str) -> None:
    """Raise BadRequest REDACTION_SENTINEL when a submitted secret contains `***`: it was read, not known."""
    match value:
        case str() if MASK in value:
            refuse(
                "REDACTION_SENTINEL",
                f"{MASK} stands for a secret that is not shown; send the secret itself, or leave it out to keep it",
                pointer,
            )
        case dict():
            for key, item in value.items():
                refuse_masked(item, child(pointer, str(key)))
        case list() | tuple():
            for index, item in enumerate(value):
                refuse_masked(item, f"{pointer}/{index}")
        case _:
            pass
