"""Query strings into Structs: one value per name, unknown names refused."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from control_plane.errors import BadRequest
from control_plane.web.wording import words_of

Instant = Annotated[datetime, Meta(tz=True, description="RFC 3339 with a zone, such as 2026-05-12T00:00:00Z")]
"""Type of an instant in a query. Name bounds of a range `from_` (field name="from") and `to`."""

_RANGE_NAMES = ("from", "to")
_KEY_NAMES = frozenset(("api_key", "apikey", "access_token", "x-api-key"))
_KEY_HEADS = ("fw_live_", "fw_probe_", "fw_manage_")


def refuse_keys(request: web.Request) -> None:
    """Keys in a URL end in logs and histories. Raises BadRequest KEY_IN_QUERY."""
    if not request.query_string:
        return
    for name, value in request.query.items():
        if name.lower() in _KEY_NAMES or value.startswith(_KEY_HEADS):
            message = "A key in a URL ends in logs: revoke it, and send Authorization: Bearer"
            raise BadRequest(message, code="KEY_IN_QUERY", field=f"/{name}")


def decode_query(request: web.Request, kind: type[Struct]) -> Any:
    """The route's query. Raises BadRequest UNKNOWN_PARAMETER, INVALID_<NAME>, or BAD_TIME_RANGE for from and to."""
    known = _parameters(kind)
    values: dict[str, Any] = {}
    for name in dict.fromkeys(request.query):
        if name not in known:
            message = f"{name} is not a parameter here; known: {', '.join(known)}"
            raise BadRequest(message, code="UNKNOWN_PARAMETER", field=f"/{name}")
        values[name] = _value(name, request.query.getall(name), known[name])
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise BadRequest(f"The query is not complete: {error}", code="MISSING_PARAMETER") from None


def refuse_query(request: web.Request) -> None:
    """For routes that take no parameter at all."""
    for name in request.query:
        raise BadRequest(f"{name} is not a parameter here", code="UNKNOWN_PARAMETER", field=f"/{name}")


@lru_cache(maxsize=512)
def _parameters(kind: type[Struct]) -> dict[str, Any]:
    return {field.encode_name: field.type for field in msgspec.structs.fields(kind)}


def _value(name: str, texts: list[str], kind: Any) -> Any:
    if any("\x00" in text for text in texts):
        raise BadRequest(f"{name} holds a NUL", code="INVALID_STRING", field=f"/{name}")
    if not _is_many(kind) and len(texts) > 1:
        raise _invalid(name, "can be given only once")
    given: Any = texts if _is_many(kind) else texts[0]
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid(name, _words(error, kind)) from None


def _words(error: msgspec.ValidationError, kind: Any) -> str:
    return words_of(str(error).split(" - at `")[0], kind)


def _is_many(kind: Any) -> bool:
    origin = get_origin(kind)
    if origin in (Union, UnionType, Annotated):
        return any(_is_many(part) for part in get_args(kind))
    return origin in (tuple, list) or kind in (tuple, list)


def _invalid(name: str, why: str) -> BadRequest:
    code = "BAD_TIME_RANGE" if name in _RANGE_NAMES else f"INVALID_{name.upper()}"
    return BadRequest(f"{name} {why}", code=code, field=f"/{name}")
