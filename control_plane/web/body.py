"""Request bodies: read within limits, decoded strictly, refused by JSON Pointer."""

from __future__ import annotations

import asyncio
import json
import math
import re
import zlib
from typing import Any, NoReturn

import msgspec
from aiohttp import http_exceptions, web
from aiohttp.web_protocol import RequestPayloadError
from msgspec import Struct

from control_plane.errors import BadRequest, RequestTimeout, TooLarge, UnsupportedMedia
from control_plane.web.known_fields import STEP, known_at
from control_plane.web.multipart import MEDIA_TYPE as MULTIPART
from control_plane.web.routes import Door, Route
from control_plane.web.wording import words_of

SERVER_OWNED = "write_source"
"""Stamped by the server; ignored in a body, so that what was read may be written back."""

_JSON_TYPES = ("application/json", "application/merge-patch+json")
_FORM_TYPES = ("application/x-www-form-urlencoded",)
_MAX_DIGITS = 20  # of 64 bits, with the sign
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_MESSAGE = re.compile(r"(?P<what>.*?)(?: - at `(?P<path>\$[^`]*)`)?", re.DOTALL)
_NAMED = re.compile(r"Object (?P<problem>missing required|contains unknown) field `(?P<name>[^`]*)`")


async def read_body(request: web.Request, route: Route, *, deadline_s: float) -> bytes:
    """The bytes of the body, decompressed on the agent door.

    Raises TooLarge over the route's limit, RequestTimeout when it does not arrive in time, UnsupportedMedia for a type
    or an encoding that the door does not take.
    """
    if not request.can_read_body:
        return b""
    encoding = _encoding(request, route)
    accepted = _form_types(route) if route.form else route.media or _JSON_TYPES
    if request.content_type not in accepted:
        wanted = " or ".join(route.media or accepted[:1])
        raise UnsupportedMedia(f"Content-Type is {request.content_type}; send {wanted}")
    if (request.content_length or 0) > route.max_body:
        _refuse_size(route.max_body)
    try:
        async with asyncio.timeout(deadline_s):
            raw = await _read_up_to(request, route.max_body)
    except TimeoutError:
        raise RequestTimeout(f"The body did not arrive within {deadline_s:g} s") from None
    except (RequestPayloadError, http_exceptions.HttpProcessingError):
        raise BadRequest("The body's framing is broken") from None
    return raw if encoding is None else _decompressed(raw, encoding, limit=route.ungzip_limit)


def _form_types(route: Route) -> tuple[str, ...]:
    return (*_FORM_TYPES, MULTIPART) if route.files else _FORM_TYPES


async def read_start(request: web.Request, *, limit: int, deadline_s: float) -> tuple[bytes | None, bool]:
    """The first `limit` bytes of a body of whatever type, None without one, and whether there is more.

    What is beyond is never held. Raises RequestTimeout when it does not arrive in time, BadRequest for broken framing.
    """
    if not request.can_read_body:
        return None, False
    start = bytearray()
    try:
        async with asyncio.timeout(deadline_s):
            while len(start) <= limit and (chunk := await request.content.readany()):
                start += chunk
    except TimeoutError:
        raise RequestTimeout(f"The body did not arrive within {deadline_s:g} s") from None
    except (RequestPayloadError, http_exceptions.HttpProcessingError):
        raise BadRequest("The body's framing is broken") from None
    return bytes(start[:limit]), len(start) > limit


def decode_body(raw: bytes, route: Route) -> Any:
    """The route's value. Raises BadRequest INVALID_JSON, INVALID_STRING, UNKNOWN_FIELD, MISSING_FIELD …"""
    assert route.body is not None
    if route.body is bytes:
        return raw
    if route.door is Door.AGENT:
        return _decode_lenient(raw, route.body)
    document = decode_object(raw if raw or not route.optional_body else b"{}")
    document.pop(SERVER_OWNED, None)
    return document if route.body is dict else convert_object(document, route.body)


def refuse_content(raw: bytes) -> None:
    """Of a route that takes no body: an empty object is none. Raises BadRequest UNKNOWN_FIELD, or INVALID_JSON."""
    if not raw.strip():
        return
    document = decode_object(raw)
    document.pop(SERVER_OWNED, None)
    if document:
        name = next(iter(document))
        raise BadRequest(
            f"This operation takes no body, so {name[:100]} would have no effect: leave it out",
            code="UNKNOWN_FIELD",
            field=_pointer_step(name),
        )


def decode_object(raw: bytes) -> dict[str, Any]:
    """A JSON object (RFC 8259) without duplicate names, integers beyond 64 bits, NUL or lone surrogates."""
    try:
        text = raw.decode("utf-8")
        document = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_int=_bounded, parse_float=_finite
        )
    except UnicodeDecodeError:
        _refuse_json("it is not UTF-8")
    except RecursionError:
        _refuse_json("it is nested too deeply")
    except ValueError as error:
        _refuse_json(str(error))
    if not isinstance(document, dict):
        _refuse_json("an object is expected, in { }")
    if "\\u" in text:
        _refuse_unstorable(document, "")
    return document


def convert_object(document: dict[str, Any], kind: type[Struct]) -> Any:
    """The Struct of a JSON object. Raises BadRequest that names the first bad field, and all of them in its details."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    unknown = [name for name in document if name not in fields]
    if unknown:
        raise _unknown_field(_pointer_step(unknown[0]), known=sorted(fields))
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        problems = [_problem_of(error, kind=kind)]
    for name, field in fields.items():
        if name not in document:
            continue
        try:
            msgspec.convert(document[name], field.type)
        except msgspec.ValidationError as error:
            problem = _problem_of(error, prefix=_pointer_step(name), kind=field.type)
            if problem.field == problems[0].field:
                problems[0] = problem
            else:
                problems.append(problem)
    first = problems[0]
    if len(problems) > 1:
        first.details = {"fields": [{"field": p.field, "code": p.code, "message": p.message} for p in problems]}
    raise first


def pointer_of(path: str) -> str:
    """The JSON Pointer (RFC 6901) of a msgspec path: `$.check.headers[...]` is /check/headers."""
    steps = []
    for match in STEP.finditer(path.removeprefix("$")):
        step = match["name"] or match["index"]
        if step == "...":
            break
        steps.append(_pointer_step(step))
    return "".join(steps)


def _pointer_step(name: str) -> str:
    return "/" + name.replace("~", "~0").replace("/", "~1")


def _problem_of(error: msgspec.ValidationError, *, prefix: str = "", kind: Any = None) -> BadRequest:
    match = _MESSAGE.fullmatch(str(error))
    assert match is not None
    what, pointer = match["what"], prefix + pointer_of(match["path"] or "$")
    if named := _NAMED.fullmatch(what):
        pointer += _pointer_step(named["name"])
        if named["problem"] == "contains unknown":
            return _unknown_field(pointer, known=known_at(kind, match["path"] or "$"))
        return BadRequest(f"{pointer[1:]} is missing", code="MISSING_FIELD", field=pointer)
    wrong_type = ", got `" in what
    code = "INVALID_TYPE" if wrong_type else f"INVALID_{_code_word(pointer)}"
    return BadRequest(f"{pointer[1:] or 'the body'} {words_of(what, kind)}", code=code, field=pointer or None)


def _code_word(pointer: str) -> str:
    named = [step for step in pointer.split("/") if step and not step.isdigit()]
    return re.sub(r"[^A-Z0-9]+", "_", named[-1].upper()) if named else "BODY"


def _unknown_field(pointer: str, *, known: list[str] | None = None) -> BadRequest:
    remedy = f"; known here: {', '.join(known)}" if known else ""
    return BadRequest(f"{pointer[1:]} is not a field{remedy}", code="UNKNOWN_FIELD", field=pointer)


def _decode_lenient(raw: bytes, kind: type[Any]) -> Any:
    """The agent door: newer agents may say more."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise _problem_of(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        _refuse_json(str(error))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _bounded(digits: str) -> int:
    number = int(digits) if len(digits) <= _MAX_DIGITS else None
    if number is None or not -(2**63) <= number < 2**63:
        raise ValueError("an integer needs more than 64 bits")
    return number


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("a number is out of range")
    return number


def _refuse_json(why: str) -> NoReturn:
    raise BadRequest(f"The body is not the JSON that is expected: {why}", code="INVALID_JSON")


def _refuse_unstorable(value: Any, pointer: str) -> None:
    """Text with NUL or a lone surrogate: PostgreSQL cannot hold the one, UTF-8 the other."""
    match value:
        case str() if _UNSTORABLE.search(value):
            message = f"{pointer[1:]} holds a NUL or half of a surrogate pair"
            raise BadRequest(message, code="INVALID_STRING", field=pointer)
        case dict():
            for name, item in value.items():
                if _UNSTORABLE.search(name):
                    raise BadRequest("a field's name holds a NUL or half of a surrogate pair", code="INVALID_STRING")
                _refuse_unstorable(item, pointer + _pointer_step(name))
        case list():
            for index, item in enumerate(value):
                _refuse_unstorable(item, f"{pointer}/{index}")


def _encoding(request: web.Request, route: Route) -> str | None:
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding == "identity":
        return None
    if route.door is Door.AGENT and encoding == "gzip":
        return encoding
    raise UnsupportedMedia("Send the body uncompressed", code="UNSUPPORTED_ENCODING")


async def _read_up_to(request: web.Request, limit: int) -> bytes:
    chunks, size = [], 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > limit:
            _refuse_size(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _refuse_size(limit: int) -> NoReturn:
    raise TooLarge(f"The body is over this route's limit of {limit} bytes", details={"limit": limit})


def _decompressed(raw: bytes, encoding: str, *, limit: int) -> bytes:
    assert encoding == "gzip"
    unpacker = zlib.decompressobj(wbits=31)
    try:
        plain = unpacker.decompress(raw, limit + 1)
    except zlib.error:
        _refuse_json("its gzip is broken")
    if len(plain) > limit or unpacker.unconsumed_tail:
        _refuse_size(limit)
    if not unpacker.eof or unpacker.unused_data:
        _refuse_json("its gzip is truncated or followed by more")
    return plain
