"""What the agent last knew, on disk (0600: it holds credentials): it checks before the control plane answers."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import msgspec
from msgspec import Struct

from agent.link.sharing import Sharing
from shared.protocol import Assignment, Welcome

_CHUNK = 500
"""Assignments encoded between two chances for the event loop's thread to go on."""


class Known(Struct, frozen=True):
    """The first line; each further line is an Assignment."""

    url: str
    welcome: Welcome
    cursor: str
    agents: tuple[str, ...]


def save(path: Path, known: Known, assignments: Sequence[Assignment]) -> None:
    """Replace the file at once, or leave it as it is. Raises OSError."""
    temporary = path.with_suffix(".tmp")
    try:
        _write(temporary, known, assignments)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()  # half of it would only take the space that the spool has need of
        raise


def _write(path: Path, known: Known, assignments: Sequence[Assignment]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    encode = msgspec.json.encode
    with os.fdopen(descriptor, "wb") as file:
        file.write(encode(known) + b"\n")
        lines: Iterable[Assignment] = iter(assignments)
        while chunk := list(islice(lines, _CHUNK)):
            file.write(b"".join(encode(assignment) + b"\n" for assignment in chunk))


def load(path: Path) -> tuple[Known, list[Assignment]] | None:
    """What was saved; None when there is nothing, or nothing that this version can read."""
    try:
        with path.open("rb") as file:
            known = msgspec.json.decode(file.readline(), type=Known)
            decode, shared = msgspec.json.Decoder(Assignment).decode, Sharing().of
            return known, [shared(decode(line)) for line in file]
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
