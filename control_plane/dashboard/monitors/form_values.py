"""The fields of a form and the members of the API's body, each into the other, by widget. Pure.

A widget with several inputs has them under `<name>-<part>`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from control_plane.dashboard.monitors.form_fields import FormField
from control_plane.dashboard.monitors.form_reading import (
    ESCAPES,
    Raw,
    duration,
    duration_words,
    first,
    read_alerts,
    read_area,
    read_escaped,
    read_json,
    read_lines,
    read_login,
    read_members,
    read_monitors,
    read_pairs,
    read_policy,
    read_quiet,
    read_regions,
    read_secret,
    read_sla,
    read_status,
    read_steps,
    read_text,
    read_tick,
    read_whole,
    read_words,
)
from control_plane.domain.checks.secrets_of_check import MASK

Written = dict[str, list[str]]


def _write_text(value: Any, field: FormField) -> Written:
    return {field.name: ["" if value is None else str(value)]}


def _write_escaped(value: Any, field: FormField) -> Written:
    shown = value or ""
    for letter, plain in (("\\", "\\"), *((letter, plain) for letter, plain in ESCAPES.items() if letter != "\\")):
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
    "text": Codec(read_text, _write_text),
    "area": Codec(read_area, _write_text),
    "whole": Codec(read_whole, _write_text),
    "escaped": Codec(read_escaped, _write_escaped),
    "tick": Codec(read_tick, _write_tick),
    "choice": Codec(read_text, _write_text),
    "seconds": _duration_codec("s"),
    "milliseconds": _duration_codec("ms"),
    "words": Codec(read_words, lambda value, field: {field.name: [", ".join(value or ())]}),
    "lines": Codec(read_lines, lambda value, field: {field.name: ["\n".join(value or ())]}),
    "pairs": Codec(read_pairs, _write_pairs),
    "secret": Codec(read_secret, _write_text),
    "status": Codec(read_status, _write_status),
    "json": Codec(read_json, _write_json),
    "login": Codec(read_login, _write_login),
    "regions": Codec(read_regions, _write_list),
    "policy": Codec(read_policy, _write_policy),
    "alerts": Codec(read_alerts, _write_alerts),
    "steps": Codec(read_steps, _write_steps),
    "monitors": Codec(read_monitors, _write_list),
    "members": Codec(read_members, _write_members),
    "sla": Codec(read_sla, _write_sla),
    "quiet": Codec(read_quiet, _write_quiet),
}
