"""The fields of a form and the members of the API's body, each into the other, by widget. Pure.

`read` never refuses: what makes no sense goes on as it was typed, and the rules of submission have the words for it.
`write` gives back what a field shows; `*` names of a widget with several inputs are `<name>-<part>`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import UNSET

from control_plane.dashboard.form_fields import FormField
from control_plane.domain.secrets_of_check import MASK

Raw = Mapping[str, Sequence[str]]
"""The fields of a form as a browser sends them."""

MOST_STEPS = 10

_UNITS = {"ms": 1, "s": 1000, "sec": 1000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"([0-9]{1,12})\s*([a-z]*)", re.ASCII)
_ESCAPES = {"\\": "\\", "r": "\r", "n": "\n", "t": "\t"}
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
    if not bare or found is None or (found[2] or unit) not in _UNITS:
        return bare or None
    value, rest = divmod(int(found[1]) * _UNITS[found[2] or unit], _UNITS[unit])
    return bare if rest else value


def duration_words(value: int, unit: str) -> str:
    """The largest unit that says it exactly: 300 s is "5 min"."""
    total = value * _UNITS[unit]
    for name in ("d", "h", "min", "s"):
        if total and total % _UNITS[name] == 0:
            return f"{total // _UNITS[name]} {name}"
    return f"{total} ms" if total else "0"


def _read_text(raw: Raw, field: FormField) -> Any:
    text = first(raw, field.name).strip()
    return text or ("" if field.required else None)


def _read_area(raw: Raw, field: FormField) -> Any:
    return first(raw, field.name) or None


def _read_escaped(raw: Raw, field: FormField) -> Any:
    """One line in which ends of lines are written as \\r and \\n: a browser would make all of them alike."""
    return _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[0]), first(raw, field.name)) or None


def _read_tick(raw: Raw, field: FormField) -> Any:
    """A hidden "off" stands before the box, so that a box that is not ticked is told from a form without it."""
    given = raw.get(field.name)
    return UNSET if not given else given[-1] == "on"


def _read_whole(raw: Raw, field: FormField) -> Any:
    number = whole(first(raw, field.name))
    return "" if number is None and field.required else number


def _read_words(raw: Raw, field: FormField) -> Any:
    return [word for part in re.split(r"[,\n]", first(raw, field.name)) if (word := part.strip())]


def _read_lines(raw: Raw, field: FormField) -> Any:
    return [line.strip() for line in first(raw, field.name).split("\n") if line.strip()]


def _read_pairs(raw: Raw, field: FormField) -> Any:
    names, values = raw.get(f"{field.name}-name", ()), raw.get(f"{field.name}-value", ())
    pairs: dict[str, str] = {}
    for name, value in zip(names, values, strict=False):
        if not name.strip() and not value.strip():
            continue
        # A second one of the same name would be lost in an object; with a blank it is refused beside the field.
        pairs[name.strip() if name.strip() not in pairs else f"{name.strip()} "] = value.strip()
    return pairs


def _read_secret(raw: Raw, field: FormField) -> Any:
    text = first(raw, field.name).strip()
    return UNSET if text == MASK else text or None


def _read_login(raw: Raw, field: FormField) -> Any:
    user, password = first(raw, f"{field.name}-user").strip(), first(raw, f"{field.name}-password")
    if password == MASK and user == first(raw, f"{field.name}-kept"):
        return UNSET
    return [user, password] if user or password else None


def _read_status(raw: Raw, field: FormField) -> Any:
    text = first(raw, field.name).strip()
    bounds = re.fullmatch(r"([0-9]{1,4})\s*[-–]\s*([0-9]{1,4})", text, re.ASCII)
    if bounds:
        return {"kind": "range", "value": {"min": int(bounds[1]), "max": int(bounds[2])}}
    listed = [whole(part) for part in text.split(",") if part.strip()]
    if len(listed) > 1:
        return {"kind": "one_of", "value": listed}
    return whole(text)


def _read_json(raw: Raw, field: FormField) -> Any:
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


def _read_regions(raw: Raw, field: FormField) -> Any:
    return list(raw.get(field.name, ()))


def _read_policy(raw: Raw, field: FormField) -> Any:
    chosen = first(raw, field.name)
    return {"count": whole(first(raw, f"{field.name}-count"))} if chosen == "count" else chosen or None


def _read_alerts(raw: Raw, field: FormField) -> Any:
    alerts: list[dict[str, Any]] = []
    for channel in raw.get(field.name, ()):
        events = raw.get(f"{field.name}-{channel}", ())
        alerts.append({"channel_id": channel} | ({"events": list(events)} if events else {}))
    return alerts


def _read_steps(raw: Raw, field: FormField) -> Any:
    steps = []
    for at in range(MOST_STEPS + 1):
        after = duration(first(raw, f"{field.name}-{at}-after"), "s")
        channels = list(raw.get(f"{field.name}-{at}-channels", ()))
        if after is not None or channels:
            steps.append({"after_s": after, "channel_ids": channels})
    return steps


def _read_monitors(raw: Raw, field: FormField) -> Any:
    ticked = list(raw.get(field.name, ()))
    return ticked + [name for name in _read_words(raw, field_part(field, "more")) if name not in ticked]


def _read_members(raw: Raw, field: FormField) -> Any:
    if first(raw, f"{field.name}-by") == "monitors":
        return {"monitors": _read_monitors(raw, field)}
    return {"tag": first(raw, f"{field.name}-tag").strip()}


def _read_sla(raw: Raw, field: FormField) -> Any:
    target, period = first(raw, field.name).strip(), whole(first(raw, f"{field.name}-days"))
    if not target:
        return None
    try:
        number: Any = float(target.replace(",", "."))
    except ValueError:
        number = target
    return {"target": number} | ({} if period is None else {"period_days": period})


def _read_quiet(raw: Raw, field: FormField) -> Any:
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


Written = dict[str, list[str]]


def _write_text(value: Any, field: FormField) -> Written:
    return {field.name: ["" if value is None else str(value)]}


def _write_escaped(value: Any, field: FormField) -> Written:
    shown = value or ""
    for letter, plain in (("\\", "\\"), *((letter, plain) for letter, plain in _ESCAPES.items() if letter != "\\")):
        shown = shown.replace(plain, f"\\{letter}")
    return {field.name: [shown]}


def _write_tick(value: Any, field: FormField) -> Written:
    return {field.name: ["on" if value else "off"]}


def _write_pairs(value: Any, field: FormField) -> Written:
    pairs = value or {}
    return {f"{field.name}-name": list(pairs), f"{field.name}-value": list(pairs.values())}


def _write_login(value: Any, field: FormField) -> Written:
    user, password = value or ("", "")
    kept = [user] if password == MASK else []
    return {f"{field.name}-user": [user], f"{field.name}-password": [password], f"{field.name}-kept": kept}


def _write_status(value: Any, field: FormField) -> Written:
    match value:
        case {"kind": "range", "value": {"min": low, "max": high}}:
            same_class = low % 100 == 0 and high == low + 99
            return {field.name: [f"{low // 100}xx" if same_class else f"{low}-{high}"]}
        case {"kind": "one_of", "value": listed}:
            return {field.name: [", ".join(str(each) for each in listed)]}
        case {"value": number}:
            return {field.name: [str(number)]}
        case _:
            return _write_text(value, field)


def _write_json(value: Any, field: FormField) -> Written:
    given = value or {"path": "", "value": ""}
    plain = given["value"]
    quoted = not isinstance(plain, str) or _is_json(plain)
    shown = json.dumps(plain, ensure_ascii=False) if quoted else plain
    return {f"{field.name}-path": [given["path"]], f"{field.name}-value": [shown]}


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _write_policy(value: Any, field: FormField) -> Written:
    if isinstance(value, dict):
        return {field.name: ["count"], f"{field.name}-count": [str(value.get("count"))]}
    return {field.name: [value or "majority"]}


def _write_alerts(value: Any, field: FormField) -> Written:
    given = value or []
    written = {field.name: [str(one["channel_id"]) for one in given]}
    return written | {f"{field.name}-{one['channel_id']}": list(one.get("events") or ()) for one in given}


def _write_steps(value: Any, field: FormField) -> Written:
    written: Written = {}
    for at, step in enumerate(value or []):
        written[f"{field.name}-{at}-after"] = [duration_words(step["after_s"], "s")]
        written[f"{field.name}-{at}-channels"] = [str(each) for each in step["channel_ids"]]
    return written


def _write_list(value: Any, field: FormField) -> Written:
    return {field.name: [str(each) for each in value or ()]}


def _write_members(value: Any, field: FormField) -> Written:
    of = value or {}
    if of.get("monitors"):
        return {f"{field.name}-by": ["monitors"], field.name: [str(each) for each in of["monitors"]]}
    return {f"{field.name}-by": ["tag"], f"{field.name}-tag": [of.get("tag") or ""]}


def _write_sla(value: Any, field: FormField) -> Written:
    if not value:
        return {field.name: [""], f"{field.name}-days": ["30"]}
    return {field.name: [f"{value['target']:g}"], f"{field.name}-days": [str(value["period_days"])]}


def _write_quiet(value: Any, field: FormField) -> Written:
    quiet = value or {}
    return {
        f"{field.name}-start": [quiet.get("start", "")],
        f"{field.name}-end": [quiet.get("end", "")],
        f"{field.name}-zone": [quiet.get("time_zone", "")],
        f"{field.name}-days": list(quiet.get("days", ())),
        f"{field.name}-except": list(quiet.get("except_severities", ())),
    }


class Codec(NamedTuple):
    """How a widget's value is read from a form and written into one."""

    read: Callable[[Raw, FormField], Any]
    write: Callable[[Any, FormField], Written]


def _duration_codec(unit: str) -> Codec:
    return Codec(
        lambda raw, field: duration(first(raw, field.name), unit),
        lambda value, field: {field.name: ["" if value is None else duration_words(value, unit)]},
    )


CODECS: Mapping[str, Codec] = {
    "text": Codec(_read_text, _write_text),
    "area": Codec(_read_area, _write_text),
    "whole": Codec(_read_whole, _write_text),
    "escaped": Codec(_read_escaped, _write_escaped),
    "tick": Codec(_read_tick, _write_tick),
    "choice": Codec(_read_text, _write_text),
    "seconds": _duration_codec("s"),
    "milliseconds": _duration_codec("ms"),
    "words": Codec(_read_words, lambda value, field: {field.name: [", ".join(value or ())]}),
    "lines": Codec(_read_lines, lambda value, field: {field.name: ["\n".join(value or ())]}),
    "pairs": Codec(_read_pairs, _write_pairs),
    "secret": Codec(_read_secret, _write_text),
    "status": Codec(_read_status, _write_status),
    "json": Codec(_read_json, _write_json),
    "login": Codec(_read_login, _write_login),
    "regions": Codec(_read_regions, _write_list),
    "policy": Codec(_read_policy, _write_policy),
    "alerts": Codec(_read_alerts, _write_alerts),
    "steps": Codec(_read_steps, _write_steps),
    "monitors": Codec(_read_monitors, _write_list),
    "members": Codec(_read_members, _write_members),
    "sla": Codec(_read_sla, _write_sla),
    "quiet": Codec(_read_quiet, _write_quiet),
}
