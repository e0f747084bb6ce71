"""The configuration file as a whole: its version, its sections, and who is who in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from msgspec import Struct

from control_plane.domain.configuration import (
    config_channels,
    config_monitors,
    config_pages,
    config_routes,
    config_windows,
)
from control_plane.domain.configuration.config_references import first_reference
from control_plane.domain.field_rules import name as read_name
from control_plane.domain.monitors.monitor_fields import read_key
from control_plane.errors import BadRequest, FarwatchError

VERSION = 1
MAX_FINDINGS = 100
"""Refusals that one answer names."""


class Section(Struct, frozen=True, kw_only=True):
    """One list of the file. `kind` is the word for one of its objects, `identity` the field that names it."""

    name: str
    kind: str
    identity: str
    read_identity: Callable[[object, str], str]
    fields: tuple[str, ...]
    scope: str


SECTIONS: Mapping[str, Section] = {
    section.name: section
    for section in (
        Section(
            name="channels",
            kind="channel",
            identity="name",
            read_identity=read_name,
            fields=config_channels.ORDER,
            scope="channels:write",
        ),
        Section(
            name="monitors",
            kind="monitor",
            identity="key",
            read_identity=read_key,
            fields=config_monitors.ORDER,
            scope="monitors:write",
        ),
        Section(
            name="routes",
            kind="route",
            identity="key",
            read_identity=read_key,
            fields=config_routes.ORDER,
            scope="routes:write",
        ),
        Section(
            name="maintenance",
            kind="maintenance",
            identity="key",
            read_identity=read_key,
            fields=config_windows.ORDER,
            scope="maintenance:write",
        ),
        Section(
            name="status_pages",
            kind="status_page",
            identity="key",
            read_identity=read_key,
            fields=config_pages.ORDER,
            scope="status-pages:write",
        ),
    )
}
"""In the order in which they are written: what others refer to comes first."""


class Entry(Struct, frozen=True):
    """One object of the file."""

    key: str
    pointer: str
    value: Mapping[str, Any]


class ConfigFile(Struct, frozen=True):
    """The file's entries by section. A section that the file does not have is not there."""

    sections: Mapping[str, Sequence[Entry]]

    def entries(self, section: str) -> Sequence[Entry]:
        return self.sections.get(section, ())


class Refusals:
    """Refusals of entries, each at its place in the file."""

    def __init__(self) -> None:
        self._first: FarwatchError | None = None
        self._others: list[dict[str, Any]] = []

    def add(self, error: FarwatchError, at: str) -> None:
        """Note it. Its field and those that it brings along are below `at`."""
        also = (error.details or {}).pop("also", [])
        error.field = at + (error.field or "")
        if self._first is None:
            self._first = error
        else:
            self._note(error.field, error.code, error.message)
        for other in also:
            self._note(at + (other["field"] or ""), other["code"], other["message"])

    def _note(self, field: str, code: str, message: str) -> None:
        if len(self._others) < MAX_FINDINGS:
            self._others.append({"field": field, "code": code, "message": message})

    def raise_any(self) -> None:
        """Raise the first; the others are in its details, under `also`."""
        if self._first is None:
            return
        if self._others:
            self._first.details = {**(self._first.details or {}), "also": self._others}
        raise self._first


def read_file(document: object) -> ConfigFile:
    """The file of a decoded YAML or JSON document. Raises BadRequest at the first place where it is none."""
    if not isinstance(document, dict):
        _refuse("INVALID_TYPE", "a configuration file is a mapping that begins with version: 1", "")
    if "version" not in document:
        _refuse("MISSING_FIELD", "version is missing: this is version 1 of the file", "/version")
    if document["version"] != VERSION or isinstance(document["version"], bool):
        _refuse("INVALID_VERSION", "version must be 1, the only one that there is", "/version")
    for name in document:
        if name not in SECTIONS and name not in ("version", "$schema"):
            known = ", ".join(SECTIONS)
            _refuse("UNKNOWN_FIELD", f"{name[:60]} is no section of the file; there are: {known}", f"/{name[:100]}")
    if (found := first_reference(document)) is not None:
        message = "references to variables and files are put in by farwatch plan and apply, not here: send the value"
        _refuse("UNEXPANDED_REFERENCE", message, found)
    refusals = Refusals()
    sections = {name: _entries(document[name], SECTIONS[name], refusals) for name in SECTIONS if name in document}
    refusals.raise_any()
    return ConfigFile(sections)


def _entries(value: object, section: Section, refusals: Refusals) -> list[Entry]:
    at = f"/{section.name}"
    if value is None:
        return []
    if not isinstance(value, list):
        refusals.add(BadRequest(f"{section.name} is a list", code="INVALID_TYPE"), at)
        return []
    entries: dict[str, Entry] = {}
    for index, item in enumerate(value):
        pointer = f"{at}/{index}"
        try:
            key = _identity(item, section)
            if key in entries:
                where = entries[key].pointer
                message = f"{section.identity} {key!r} is at {where} already: each object has its own"
                raise BadRequest(message, code="DUPLICATE_KEY", field=f"/{section.identity}")
            entries[key] = Entry(key, pointer, item)
        except FarwatchError as error:
            refusals.add(error, pointer)
    return list(entries.values())


def _identity(item: object, section: Section) -> str:
    if not isinstance(item, dict):
        raise BadRequest(f"a {section.kind} is a mapping", code="INVALID_TYPE")
    for field in item:
        if field not in section.fields:
            message = f"{field[:60]} is not a field here. Fields: {', '.join(section.fields)}"
            raise BadRequest(message, code="UNKNOWN_FIELD", field=f"/{field[:100]}")
    if item.get(section.identity) is None:
        message = f"{section.identity} is missing: it says which {section.kind} this is, now and later"
        raise BadRequest(message, code="MISSING_FIELD", field=f"/{section.identity}")
    _check_listed(item.get("secrets"))
    return section.read_identity(item[section.identity], f"/{section.identity}")


def _check_listed(listed: object) -> None:
    if listed is None:
        return
    if not isinstance(listed, list) or not all(isinstance(one, str) and one.startswith("/") for one in listed):
        message = "secrets lists the places of secrets that the file leaves out, such as /check/bearer_token"
        raise BadRequest(message, code="INVALID_TYPE", field="/secrets")


def _refuse(code: str, message: str, pointer: str) -> NoReturn:
    raise BadRequest(message, code=code, field=pointer)
