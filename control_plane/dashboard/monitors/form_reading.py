"""What a form says, as members of the API's body: one reader a widget. Pure.

Nothing is refused here: what makes no sense goes on as it was typed, and the rules of submission have the words for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET

from control_plane.dashboard.monitors.form_fields import FormField
from control_plane.domain.checks.secrets_of_check import MASK

Raw = Mapping[str, Sequence[str]]
"""The fields of a form as a browser sends them."""

MOST_STEPS = 10

UNITS = {"ms": 1, "s": 1000, "sec": 1000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"([0-9]{1,12})\s*([a-z]*)", re.ASCII)
ESCAPES = {"\\": "\\", "r": "\r", "n": "\n", "t": "\t"}
_ESCAPE = re.compile(r"\\([\\rnt])")
_WHOLE = re.compile(r"-?[0-9]{1,15}", re.ASCII)


def first(raw: Raw, name: str) -> str:
    """What was sent under this name; empty when nothing was."""
    given = raw.get(name, ())
    return given[0].replace("\r\n", "\n") if given else ""


def whole(text: str) -> int | str | None:
    """A whole number; None for nothing."""
    bare = text.strip()
    if not bare:
        return None
    return int(bare) if _WHOLE.fullmatch(bare) else bare


def duration(text: str, unit: str) -> int | str | None:
    """ "5 min" in units of `unit`, in which a bare number counts; what it does not divide stays text."""
    bare = text.strip().lower()
    found = _DURATION.fullmatch(bare)
    if not bare or found is None or (found[2] or unit) not in UNITS:
        return bare or None
    value, rest = divmod(int(found[1]) * UNITS[found[2] or unit], UNITS[unit])
    return bare if rest else value


def duration_words(value: int, unit: str) -> str:
    """The largest unit that says it exactly: 300 s is "5 min"."""
    total = value * UNITS[unit]
    for name in ("d", "h", "min", "s"):
        if total and total % UNITS[name] == 0:
            return f"{total // UNITS[name]} {name}"
    return f"{total} ms" if total else "0"


def read_text(raw: Raw, field: FormField) -> Any:
    text = first(raw, field.name).strip()
    return text or ("" if field.required else None)


def read_area(raw: Raw, field: FormField) -> Any:
    return first(raw, field.name) or None


def read_escaped(raw: Raw, field: FormField) -> Any:
    """One line in which ends of lines are written as \\r and \\n: a browser would make all of them alike."""
    return _ESCAPE.sub(lambda found: ESCAPES.get(found[1], found[0]), first(raw, field.name)) or None


def read_tick(raw: Raw, field: FormField) -> Any:
    """A hidden "off" stands before the box, so that a box that is not ticked is told from a form without it."""
    given = raw.get(field.name)
    return UNSET if not given else given[-1] == "on"


def read_whole(raw: Raw, field: FormField) -> Any:
    number = whole(first(raw, field.name))
    return "" if number is None and field.required else number


def read_words(raw: Raw, field: FormField) -> Any:
    return [word for part in re.split(r"[,\n]", first(raw, field.name)) if (word := part.strip())]


def read_lines(raw: Raw, field: FormField) -> Any:
    return [line.strip() for line in first(raw, field.name).split("\n") if line.strip()]


def read_pairs(raw: Raw, field: FormField) -> Any:
    names, values = raw.get(f"{field.name}-name", ()), raw.get(f"{field.name}-value", ())
    pairs: dict[str, str] = {}
    for name, value in zip(names, values, strict=False):
        if not name.strip() and not value.strip():
            continue
        # A second one of the same name would be lost in an object; with a blank it is refused beside the field.
        pairs[name.strip() if name.strip() not in pairs else f"{name.strip()} "] = value.strip()
    return pairs


def read_secret(raw: Raw, field: FormField) -> Any:
    text = first(raw, field.name).strip()
    return UNSET if text == MASK else text or None


def read_login(raw: Raw, field: FormField) -> Any:
    user, password = first(raw, f"{field.name}-user").strip(), first(raw, f"{field.name}-password")
    if password == MASK and user == first(raw, f"{field.name}-kept"):
        return UNSET
    return [user, password] if user or password else None


def read_status(raw: Raw, field: FormField) -> Any:
    text = first(raw, field.name).strip()
    bounds = re.fullmatch(r"([0-9]{1,4})\s*[-–]\s*([0-9]{1,4})", text, re.ASCII)
    if bounds:
        return {"kind": "range", "value": {"min": int(bounds[1]), "max": int(bounds[2])}}
    listed = [whole(part) for part in text.split(",") if part.strip()]
    if len(listed) > 1:
        return {"kind": "one_of", "value": listed}
    return whole(text)


def read_json(raw: Raw, field: FormField) -> Any:
    path, value = first(raw, f"{field.name}-path").strip(), first(raw, f"{field.name}-value").strip()
    if not path and not value:
        return None
    try:
        read = json.loads(value, parse_constant=_no_constant)
    except ValueError:
        read = value
    return {"path": path, "value": read}


def _no_constant(_: str) -> Any:
    raise ValueError("NaN and Infinity are no JSON")


def read_regions(raw: Raw, field: FormField) -> Any:
    return list(raw.get(field.name, ()))


def read_policy(raw: Raw, field: FormField) -> Any:
    chosen = first(raw, field.name)
    return {"count": whole(first(raw, f"{field.name}-count"))} if chosen == "count" else chosen or None


def read_alerts(raw: Raw, field: FormField) -> Any:
    alerts: list[dict[str, Any]] = []
    for channel in raw.get(field.name, ()):
        events = raw.get(f"{field.name}-{channel}", ())
        alerts.append({"channel_id": channel} | ({"events": list(events)} if events else {}))
    return alerts


def read_steps(raw: Raw, field: FormField) -> Any:
    steps = []
    for at in range(MOST_STEPS + 1):
        after = duration(first(raw, f"{field.name}-{at}-after"), "s")
        channels = list(raw.get(f"{field.name}-{at}-channels", ()))
        if after is not None or channels:
            steps.append({"after_s": after, "channel_ids": channels})
    return steps


def read_monitors(raw: Raw, field: FormField) -> Any:
    ticked = list(raw.get(field.name, ()))
    return ticked + [name for name in read_words(raw, field_part(field, "more")) if name not in ticked]


def read_members(raw: Raw, field: FormField) -> Any:
    if first(raw, f"{field.name}-by") == "monitors":
        return {"monitors": read_monitors(raw, field)}
    return {"tag": first(raw, f"{field.name}-tag").strip()}


def read_sla(raw: Raw, field: FormField) -> Any:
    target, period = first(raw, field.name).strip(), whole(first(raw, f"{field.name}-days"))
    if not target:
        return None
    try:
        number: Any = float(target.replace(",", "."))
    except ValueError:
        number = target
    return {"target": number} | ({} if period is None else {"period_days": period})


def read_quiet(raw: Raw, field: FormField) -> Any:
    parts = {part: first(raw, f"{field.name}-{part}").strip() for part in ("start", "end", "zone")}
    days, excepted = raw.get(f"{field.name}-days", ()), raw.get(f"{field.name}-except", ())
    if not parts["start"] and not parts["end"]:
        return None
    return {
        "start": parts["start"],
        "end": parts["end"],
        "time_zone": parts["zone"] or "UTC",
        "days": list(days),
        "except_severities": list(excepted),
    }


def field_part(field: FormField, part: str) -> FormField:
    """One of several inputs of a field."""
    return FormField(name=f"{field.name}-{part}", pointer=field.pointer, label=field.label)
