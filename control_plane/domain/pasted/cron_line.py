"""A line of a crontab as a heartbeat: when the job is due, and what it may be called (crontab(5)). Pure."""

from __future__ import annotations

import re

from control_plane.domain.checks.cron import read_cron
from control_plane.domain.pasted.inferred import Inferred
from control_plane.errors import BadRequest

_MACROS = {
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}  # fmt: skip
"""crontab(5)."""

_CRON_FIELD = re.compile(r"[0-9A-Za-z*/,#L?-]{1,60}", re.ASCII)


def read_cron_line(text: str) -> Inferred | None:
    """A line of a crontab, with or without its command: the job is to ping us."""
    words = text.split()
    if words[0].lower() in _MACROS:
        return _heartbeat(_MACROS[words[0].lower()], words[1:])
    if len(words) < 5 or not all(_CRON_FIELD.fullmatch(word) for word in words[:5]):
        return None
    if not any(mark in "".join(words[:5]) for mark in "*0123456789"):
        return None  # five plain words
    try:
        return _heartbeat(read_cron(" ".join(words[:5]), ""), words[5:])
    except BadRequest:
        return None


def _heartbeat(cron: str, command: list[str]) -> Inferred:
    """Named after the program that the line runs, whose arguments may be secret."""
    named = [word for word in command[:2] if "/" in word and "=" not in word] or command[:1]
    program = named[0].rpartition("/")[2] if named else ""
    name = program if re.fullmatch(r"[\w.-]{1,60}", program) else "Scheduled job"
    return Inferred(kind="heartbeat", check={"type": "heartbeat", "cron": cron}, name=name)
