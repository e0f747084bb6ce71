"""YAML 1.2 of configuration files: libyaml's events in, JSON values out, with the line of everything.

Plain scalars mean what the core schema of YAML 1.2.2 (section 10.3.2) says, so that `no`, `on` and 2026-05-12 are text.
Names are text and occur once in a mapping. Aliases and the merge key `<<` are known, and count as often as they are
used. Tags are refused. Depth, nodes and integers are bounded. Between two events other threads have their turn.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import yaml
from msgspec import Struct

from control_plane.errors import BadRequest

MAX_DEPTH = 24
MAX_NODES = 2_000_000
"""Of the document with every alias written out."""
_MAX_NUMBER = 32
"""Characters of a number: beyond any of 64 bits."""

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS: Mapping[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_MERGE = "<<"
_NUMERIC_STARTS = frozenset("0123456789+-.")


class Document(Struct, frozen=True):
    """What a file says, and the line (from 1) that each value begins at, by JSON Pointer."""

    value: Any
    lines: Mapping[str, int]


class _Node(Struct, frozen=True):
    """A value, and how many nodes it has, itself included."""

    value: Any
    nodes: int


def read_yaml(text: str, *, with_lines: bool = True) -> Document:
    """The one document of the text. Raises BadRequest INVALID_YAML that names the line."""
    reader = _Reader(text, lines={} if with_lines else None)
    try:
        value = reader.document()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or "it cannot be read"
        _refuse(str(what)[:200], None if mark is None else mark.line + 1)
    return Document(value, reader.lines or {})


class _Reader:
    """One pass over the events of one text."""

    def __init__(self, text: str, *, lines: dict[str, int] | None) -> None:
        self._parser: Any = yaml.CLoader(text)
        self._anchors: dict[str, _Node | None] = {}
        self._nodes = 0
        self.lines = lines

    def document(self) -> Any:
        self._next()  # the stream's start
        if isinstance(self._next(), yaml.StreamEndEvent):
            _refuse("it is empty: a mapping with version: 1 is expected", 1)
        value = self._value(self._next(), "", 0).value
        self._next()  # the document's end
        if not isinstance(event := self._next(), yaml.StreamEndEvent):
            _refuse("a file holds one document: take what follows --- into a file of its own", _line(event))
        return value

    def _next(self) -> Any:
        return self._parser.get_event()

    def _value(self, event: Any, at: str, depth: int) -> _Node:
        if self.lines is not None:
            self.lines[at] = _line(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if event.tag is not None and not (isinstance(event, yaml.ScalarEvent) and event.tag == "!"):
            _refuse(f"tags such as {event.tag[:40]} are not known here: leave it out", _line(event))
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        before = self._nodes
        self._count(1, event)
        value = self._of_kind(event, at, depth)
        node = _Node(value, self._nodes - before)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _of_kind(self, event: Any, at: str, depth: int) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        if depth >= MAX_DEPTH:
            _refuse(f"it is nested more than {MAX_DEPTH} deep", _line(event))
        return (self._mapping if isinstance(event, yaml.MappingStartEvent) else self._list)(at, depth)

    def _alias(self, event: Any) -> _Node:
        if event.anchor not in self._anchors:
            _refuse(f"*{event.anchor[:40]} names no anchor before it", _line(event))
        node = self._anchors[event.anchor]
        if node is None:
            _refuse(f"*{event.anchor[:40]} would contain itself", _line(event))
        self._count(node.nodes, event)
        return node

    def _count(self, nodes: int, event: Any) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            _refuse(f"it has more than {MAX_NODES} nodes, with aliases written out", _line(event))

    def _list(self, at: str, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._value(event, f"{at}/{len(items)}", depth + 1).value)
        return items

    def _mapping(self, at: str, depth: int) -> dict[str, Any]:
        members: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        while not isinstance(name := self._next(), yaml.MappingEndEvent):
            if not isinstance(name, yaml.ScalarEvent) or name.tag is not None:
                _refuse("a name in a mapping is plain text", _line(name))
            word = name.value
            _refuse_nul(word, name)
            child = f"{at}/{pointer_step(word)}"
            value = self._value(self._next(), child, depth + 1).value
            if word == _MERGE and name.implicit[0]:
                merged = {**_to_merge(value, name), **merged}
            elif word in members:
                _refuse(f"{word[:60]} occurs twice in one mapping", _line(name))
            else:
                members[word] = value
        return {**merged, **members} if merged else members


def pointer_step(name: str) -> str:
    """One reference token of a JSON Pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1") if "/" in name or "~" in name else name


def line_of(lines: Mapping[str, int], pointer: str) -> int | None:
    """The line of what the pointer names, or of the closest thing around it."""
    while pointer not in lines and pointer:
        pointer = pointer.rpartition("/")[0]
    return lines.get(pointer)


def _to_merge(value: Any, event: Any) -> dict[str, Any]:
    parts = value if isinstance(value, list) else [value]
    if not all(isinstance(part, dict) for part in parts):
        _refuse("<< takes a mapping, or a list of mappings", _line(event))
    return {name: member for part in reversed(parts) for name, member in part.items()}


def _scalar(event: Any) -> Any:
    text: str = event.value
    if not event.implicit[0] or (event.style is not None and event.style != ""):
        _refuse_nul(text, event)
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in _NUMERIC_STARTS and len(text) <= _MAX_NUMBER:
        return _number(text, event)
    if text[0] in _NUMERIC_STARTS and (_INT.fullmatch(text) or _FLOAT.fullmatch(text)):
        _refuse("a number has too many digits: put text between quotes", _line(event))
    return text


def _number(text: str, event: Any) -> Any:
    if _INT.fullmatch(text):
        whole = int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        if not -(2**63) <= whole < 2**63:
            _refuse("an integer needs more than 64 bits", _line(event))
        return whole
    if _FLOAT.fullmatch(text):
        number = float(text)
        if math.isinf(number):
            _refuse("a number is out of range", _line(event))
        return number
    if text.lower().lstrip("+-") in (".inf", ".nan"):
        _refuse("infinity and NaN are no values here", _line(event))
    return text


def _refuse_nul(text: str, event: Any) -> None:
    if "\x00" in text:
        _refuse("text holds a NUL", _line(event))


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _refuse(why: str, line: int | None) -> NoReturn:
    where = "" if line is None else f"line {line}: "
    details = None if line is None else {"line": line}
    raise BadRequest(f"The YAML cannot be read: {where}{why}", code="INVALID_YAML", details=details)
