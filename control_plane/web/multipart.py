"""Forms with files: multipart/form-data (RFC 7578), read from a body that is in memory already. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NoReturn

from msgspec import Struct

from control_plane.errors import BadRequest

MEDIA_TYPE = "multipart/form-data"

_MOST_PARTS = 200
_BOUNDARY = re.compile(r'boundary=(?:"([^"\r\n]{1,70})"|([^\s;,"]{1,70}))', re.IGNORECASE)
_NAME = re.compile(r'(?<![\w*-])name="([^"\r\n]*)"')
_FILENAME = re.compile(r"(?<![\w-])filename\*?=")


class Parts(Struct, frozen=True):
    """What a browser sent: fields as text, files as bytes. A file that was not chosen is not among them."""

    fields: Mapping[str, list[str]]
    files: Mapping[str, bytes]


def read_parts(body: bytes, content_type: str) -> Parts:
    """The parts by name; of several files of one name the last. Raises BadRequest INVALID_FORM."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        _refuse()
    mark = b"--" + (found[1] or found[2]).encode("ascii", "replace")
    first, *rest = (b"\r\n" + body).split(b"\r\n" + mark)
    if first or not rest or len(rest) > _MOST_PARTS or not rest[-1].startswith(b"--"):
        _refuse()
    fields: dict[str, list[str]] = {}
    files: dict[str, bytes] = {}
    for part in rest[:-1]:
        head, gap, content = part.partition(b"\r\n\r\n")
        name = _NAME.search(header := head.decode("utf-8", "replace"))
        if not gap or name is None:
            _refuse()
        if _FILENAME.search(header) is None:
            fields.setdefault(name[1], []).append(_text(content))
        elif content:
            files[name[1]] = content
    return Parts(fields, files)


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        _refuse()


def _refuse() -> NoReturn:
    raise BadRequest("The form cannot be read", code="INVALID_FORM")
