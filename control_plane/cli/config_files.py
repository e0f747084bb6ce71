"""Configuration files on disk: found, read, merged, their references put in, and where in them something is."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click
from msgspec import Struct

from control_plane.cli import exit_codes
from control_plane.cli.output import printable
from control_plane.cli.talk import say
from control_plane.domain.configuration.config_file import SECTIONS
from control_plane.domain.configuration.config_references import expand_references
from control_plane.domain.configuration.config_yaml import line_of, read_yaml
from control_plane.errors import BadRequest

SUFFIXES = (".yaml", ".yml", ".json")


class Source(Struct, frozen=True):
    """One file. `offsets`: how many entries of each section stand before its own in the merged document."""

    path: Path
    value: dict[str, Any]
    lines: Mapping[str, int]
    offsets: Mapping[str, int]


class Merged(Struct, frozen=True):
    """All files as the one document that is sent, with the references put in."""

    document: dict[str, Any]
    sources: Sequence[Source]

    def place(self, pointer: str | None) -> str:
        """Where a JSON Pointer into the document is: file and line."""
        section, index, rest = _split(pointer or "")
        for source in self.sources:
            own = index - source.offsets.get(section, 0)
            if section in source.value and 0 <= own < len(source.value[section] or ()):
                return _told(source, f"/{section}/{own}{rest}")
        return _told(self.sources[0], pointer or "") if len(self.sources) == 1 else ""


def read_files(paths: Sequence[str]) -> Merged:
    """The files, and those in the directories, as one. Ends the program with 2 for one that cannot be read."""
    files = [file for path in paths for file in _files(Path(path))]
    document: dict[str, Any] = {"version": 1}
    sources: list[Source] = []
    for path in files:
        value, lines = _read(path)
        offsets = {name: len(document.get(name, ())) for name in SECTIONS}
        source = Source(path, value, lines, offsets)
        for name, section in value.items():
            _merge(document, name, section, source)
        sources.append(source)
    _refuse_doubles(Merged(document, sources))
    return Merged(document, sources)


def with_references(merged: Merged) -> Merged:
    """The same with text in the place of references. Ends the program with 2 where a variable or file is missing."""
    missing: list[str] = []

    def resolve(source: str, named: str, pointer: str) -> str:
        found = os.environ.get(named) if source == "env" else _text(Path(named), merged, pointer)
        if found is None:
            what = f"the variable {named} is not set" if source == "env" else f"the file {named} cannot be read"
            missing.append(f"{merged.place(pointer)}: {what}")
        return found or ""

    document = expand_references(merged.document, resolve)
    if missing:
        _end("\n".join(missing))
    return Merged(document, merged.sources)


def _text(path: Path, merged: Merged, pointer: str) -> str | None:
    """A file's text without the newline at its end; its path counts from the file that names it."""
    section, index, _ = _split(pointer)
    for source in merged.sources:
        if 0 <= index - source.offsets.get(section, 0) < len(source.value.get(section) or ()):
            path = source.path.parent / path
            break
    try:
        return path.read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError):
        return None


def _files(path: Path) -> Iterator[Path]:
    if str(path) == "-":
        yield path
    elif path.is_dir():
        found = sorted(one for one in path.rglob("*") if one.suffix in SUFFIXES and one.is_file())
        if not found:
            _end(f"{path} has no file that ends in {', '.join(SUFFIXES)}")
        yield from found
    else:
        yield path


def _read(path: Path) -> tuple[dict[str, Any], Mapping[str, int]]:
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        _end(f"{path} cannot be read: {error}")
    try:
        if path.suffix == ".json":
            json.loads(text)  # YAML takes more than JSON does
        read = read_yaml(text)
    except ValueError as error:
        _end(f"{path}: this is not JSON: {error}")
    except BadRequest as error:
        line = (error.details or {}).get("line")
        _end(f"{path}{'' if line is None else f':{line}'}: {error.message}")
    if not isinstance(read.value, dict) or "version" not in read.value:
        _end(f"{path}: a configuration file is a mapping that begins with version: 1")
    return read.value, read.lines


def _merge(document: dict[str, Any], name: str, section: Any, source: Source) -> None:
    if name == "version" and section != document["version"]:
        _end(f"{_told(source, '/version')}: version must be 1, the only one that there is")
    if name in ("version", "$schema"):
        return
    if name not in SECTIONS or not isinstance(section, list | None):
        known = ", ".join(SECTIONS)
        _end(f"{_told(source, f'/{name}')}: the sections of a file are lists: {known}")
    document.setdefault(name, []).extend(section or ())


def _refuse_doubles(merged: Merged) -> None:
    for section in SECTIONS.values():
        seen: dict[str, int] = {}
        for index, entry in enumerate(merged.document.get(section.name, ())):
            key = entry.get(section.identity) if isinstance(entry, dict) else None
            if not isinstance(key, str):
                continue
            if key in seen:
                here, there = (merged.place(f"/{section.name}/{one}") for one in (index, seen[key]))
                _end(f"{here}: {section.kind} {key!r} is at {there} already")
            seen[key] = index


def _split(pointer: str) -> tuple[str, int, str]:
    """Section, place in it and what follows of /monitors/3/check/url."""
    parts = pointer.split("/", 3)
    index = int(parts[2]) if len(parts) > 2 and parts[2].isdigit() else 0
    return (parts[1] if len(parts) > 1 else ""), index, f"/{parts[3]}" if len(parts) > 3 else ""


def _told(source: Source, pointer: str) -> str:
    line = line_of(source.lines, pointer)
    return f"{source.path}" if line is None else f"{source.path}:{line}"


def _end(words: str) -> NoReturn:
    for line in words.split("\n"):
        say(printable(line), style="red")
    sys.exit(exit_codes.USAGE)


files_argument = click.argument("files", nargs=-1, required=True, metavar="FILE|DIR...")
"""Files, directories of files, or - for standard input."""
