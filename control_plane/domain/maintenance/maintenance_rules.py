"""What a maintenance window may be: a decoded JSON object in, a value out, every bad field named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from uuid import UUID

import msgspec
from msgspec import Struct

from control_plane.domain import field_rules
from control_plane.domain.checks.cron import read_cron, read_zone
from control_plane.domain.field_rules import Findings, boolean, integer, refuse, text
from control_plane.domain.maintenance.maintenance import Schedule
from control_plane.domain.monitors.monitor_fields import read_key

TITLE_LIMIT = 200
DESCRIPTION_LIMIT = 2_000
MIN_DURATION_S = 60
MAX_DURATION_S = 30 * 86_400
MAX_MONITORS = 1_000
RULE_LIMIT = 500
MAX_TIMES_A_DAY = 24
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

FIELDS = (
    *("title", "description", "public", "monitors", "tags", "all", "key"),
    *("starts_at", "ends_at", "cron", "rrule", "duration", "timezone", "until"),
)
_NUMBERS = re.compile(r"[+-]?\d{1,3}(,[+-]?\d{1,3}){0,99}", re.ASCII)
_DAYS = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)(,([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)){0,99}", re.ASCII)
_RULE_PARTS: Mapping[str, re.Pattern[str]] = {
    "FREQ": re.compile("DAILY|WEEKLY|MONTHLY|YEARLY"),
    "INTERVAL": re.compile(r"[1-9]\d{0,2}", re.ASCII),
    "COUNT": re.compile(r"[1-9]\d{0,3}", re.ASCII),
    "WKST": re.compile("MO|TU|WE|TH|FR|SA|SU"),
    "BYDAY": _DAYS,
    **dict.fromkeys(("BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS", "BYHOUR", "BYMINUTE"), _NUMBERS),
}
_REACH: Mapping[str, tuple[int, int]] = {
    "BYMONTH": (1, 12),
    "BYMONTHDAY": (-31, 31),
    "BYYEARDAY": (-366, 366),
    "BYWEEKNO": (-53, 53),
    "BYSETPOS": (-366, 366),
    "BYHOUR": (0, 23),
    "BYMINUTE": (0, 59),
}


class Targets(Struct, frozen=True, kw_only=True):
    """What a window covers: everything, or these monitors and whatever has one of these tags."""

    all: bool = False
    monitors: tuple[UUID, ...] = ()
    tags: tuple[str, ...] = ()


class WindowConfig(Struct, frozen=True, kw_only=True):
    """What people write of a window."""

    title: str
    description: str
    public: bool
    targets: Targets
    schedule: Schedule
    key: str | None = None


def read_window(body: Mapping[str, Any], *, stored: WindowConfig | None, now: datetime) -> WindowConfig:
    """The window that the body describes, merged (RFC 7396) onto `stored`. Raises BadRequest that names bad fields."""
    findings = Findings()
    field_rules.refuse_unknown(body, known=FIELDS, pointer="", findings=findings)
    merged = {**(written(stored) if stored else {}), **body}
    given = {name: value for name, value in merged.items() if value is not None and name in FIELDS}
    title = findings.take(_title, given.get("title"), "/title")
    description = findings.take(_description, given.get("description", ""), "/description")
    public = findings.take(boolean, given.get("public", False), "/public")
    targets = findings.take(_targets, given, "")
    key = findings.take(read_key, given["key"], "/key") if "key" in given else None
    schedule = findings.take(lambda value, _: _schedule(value, now=now), given, "")
    findings.raise_any()
    assert title is not None
    assert description is not None
    assert public is not None
    assert targets is not None
    assert schedule is not None
    return WindowConfig(
        title=title, description=description, public=public, targets=targets, schedule=schedule, key=key
    )


def written(config: WindowConfig) -> dict[str, Any]:
    """The window as a body would write it."""
    schedule, targets = config.schedule, config.targets
    return {
        "title": config.title,
        "description": config.description,
        "public": config.public,
        "all": targets.all,
        "monitors": [str(one) for one in targets.monitors],
        "tags": list(targets.tags),
        "starts_at": schedule.starts_at,
        "ends_at": schedule.ends_at,
        "cron": schedule.cron,
        "rrule": schedule.rrule,
        "duration": schedule.duration_s,
        "timezone": schedule.timezone,
        "until": schedule.until,
        "key": config.key,
    }


def _title(value: object, pointer: str) -> str:
    return field_rules.one_line("" if value is None else value, pointer, code="INVALID_TITLE", high=TITLE_LIMIT)


def _description(value: object, pointer: str) -> str:
    return text(value, pointer, code="INVALID_DESCRIPTION", high=DESCRIPTION_LIMIT)


def _targets(value: object, _: str) -> Targets:
    assert isinstance(value, dict)
    everything = boolean(value.get("all", False), "/all")
    monitors = _monitors(value.get("monitors", []), "/monitors")
    tags = field_rules.tags(value.get("tags", []))
    if everything and (monitors or tags):
        refuse("INVALID_TARGETS", "all covers everything: leave monitors and tags out", "/all")
    if not (everything or monitors or tags):
        refuse("INVALID_TARGETS", "say what the window covers: monitors, tags, or all: true", "/monitors")
    return Targets(all=everything, monitors=monitors, tags=tags)


def _monitors(value: object, pointer: str) -> tuple[UUID, ...]:
    if not isinstance(value, list):
        refuse("INVALID_TYPE", "monitors must be a list of ids", pointer)
    if len(value) > MAX_MONITORS:
        refuse("INVALID_TARGETS", f"there may be at most {MAX_MONITORS} monitors; give them a tag", pointer)
    return tuple(dict.fromkeys(_monitor(one, f"{pointer}/{place}") for place, one in enumerate(value)))


def _monitor(value: object, pointer: str) -> UUID:
    written_id = text(value, pointer, code="INVALID_TARGETS", high=36)
    try:
        return UUID(written_id)
    except ValueError:
        refuse("INVALID_TARGETS", "this is not the id of a monitor", pointer)


def _schedule(value: object, *, now: datetime) -> Schedule:
    assert isinstance(value, dict)
    if "cron" in value or "rrule" in value:
        return _recurring(value, now=now)
    for name in ("duration", "until"):
        if name in value:
            refuse("INVALID_SCHEDULE", f"{name} goes with cron or rrule; a single window has ends_at", f"/{name}")
    zone = read_zone(value.get("timezone", "UTC"), "/timezone")
    starts_at, ends_at = _instant(value, "starts_at"), _instant(value, "ends_at")
    _within((ends_at - starts_at).total_seconds(), "/ends_at")
    return Schedule(starts_at=starts_at, ends_at=ends_at, timezone=zone)


def _recurring(value: Mapping[str, Any], *, now: datetime) -> Schedule:
    if "cron" in value and "rrule" in value:
        refuse("INVALID_SCHEDULE", "give cron or rrule, not both", "/rrule")
    if "ends_at" in value:
        refuse("INVALID_SCHEDULE", "a recurring window has a duration, and until for its end", "/ends_at")
    zone = read_zone(value.get("timezone", "UTC"), "/timezone")
    if "rrule" in value and "starts_at" not in value:
        refuse("MISSING_FIELD", "an RRULE counts from starts_at: its first time", "/starts_at")
    duration = integer(
        value.get("duration"), "/duration", low=MIN_DURATION_S, high=MAX_DURATION_S, code="INVALID_DURATION"
    )
    return Schedule(
        starts_at=_instant(value, "starts_at") if "starts_at" in value else now.replace(microsecond=0),
        cron=read_cron(value["cron"], "/cron") if "cron" in value else None,
        rrule=read_rule(value["rrule"], "/rrule") if "rrule" in value else None,
        duration_s=duration,
        timezone=zone,
        until=_instant(value, "until") if "until" in value else None,
    )


def _within(seconds: float, pointer: str) -> None:
    if not MIN_DURATION_S <= seconds <= MAX_DURATION_S:
        refuse("INVALID_DURATION", "a window holds for at least a minute and at most 30 days", pointer)


def _instant(value: Mapping[str, Any], name: str) -> datetime:
    pointer, given = f"/{name}", value.get(name)
    if given is None:
        refuse(
            "MISSING_FIELD", f"{name} is missing: an RFC 3339 time with a zone, such as 2026-05-12T00:00:00Z", pointer
        )
    try:
        instant = msgspec.convert(given, datetime)
    except msgspec.ValidationError:
        _refuse_instant(pointer)
    if instant.tzinfo is None or not _EARLIEST.year < instant.year < _LATEST.year:
        _refuse_instant(pointer)
    return instant.astimezone(UTC)


def _refuse_instant(pointer: str) -> NoReturn:
    message = "this must be an RFC 3339 time with a zone, between 2001 and 2199, such as 2026-05-12T00:00:00Z"
    refuse("INVALID_TIME", message, pointer)


def read_rule(value: object, pointer: str) -> str:
    """An RRULE in capitals without its prefix, bounded so that no rule can spin. Raises BadRequest INVALID_RRULE."""
    written_rule = text(value, pointer, code="INVALID_RRULE", low=1, high=RULE_LIMIT).strip().upper()
    parts = [part.partition("=") for part in written_rule.removeprefix("RRULE:").rstrip(";").split(";")]
    names = [name for name, _, _ in parts]
    if len(names) != len(set(names)):
        refuse("INVALID_RRULE", "a part of the rule is given twice", pointer)
    for name, _, given in parts:
        _rule_part(name, given, pointer)
    if "FREQ" not in names:
        refuse("INVALID_RRULE", "the rule needs FREQ", pointer)
    _refuse_crowd({name: given for name, _, given in parts}, pointer)
    return ";".join(f"{name}={given}" for name, _, given in parts)


def _rule_part(name: str, given: str, pointer: str) -> None:
    if name == "UNTIL":
        refuse("INVALID_RRULE", "give the end of the recurrence in the field until, not in the rule", pointer)
    if name not in _RULE_PARTS:
        refuse("INVALID_RRULE", f"a rule is made of {', '.join(_RULE_PARTS)}", pointer)
    if not _RULE_PARTS[name].fullmatch(given):
        allowed = "DAILY, WEEKLY, MONTHLY or YEARLY" if name == "FREQ" else "written as in RFC 5545, 3.3.10"
        refuse("INVALID_RRULE", f"{name} must be {allowed}", pointer)
    if name in _REACH:
        low, high = _REACH[name]
        if not all(low <= int(one) <= high and (low >= 0 or int(one) != 0) for one in given.split(",")):
            refuse("INVALID_RRULE", f"{name} goes from {low} to {high}{'' if low >= 0 else ', without 0'}", pointer)


def _refuse_crowd(parts: Mapping[str, str], pointer: str) -> None:
    times = 1
    for name in ("BYHOUR", "BYMINUTE"):
        times *= len(set(parts[name].split(","))) if name in parts else 1
    if times > MAX_TIMES_A_DAY:
        refuse("INVALID_RRULE", f"a window begins at most {MAX_TIMES_A_DAY} times a day", pointer)
    numbered = re.search(r"\d", parts.get("BYDAY", ""))
    if numbered and (parts["FREQ"] not in ("MONTHLY", "YEARLY") or re.search(r"(^|,)[+-]?0+[A-Z]", parts["BYDAY"])):
        refuse("INVALID_RRULE", "numbered days go with MONTHLY and YEARLY, and are not 0", pointer)
    narrow = {"BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS"} & set(parts)
    if narrow and parts["FREQ"] in ("DAILY", "WEEKLY"):  # looking for a day that never comes takes seconds there
        refuse("INVALID_RRULE", f"{', '.join(sorted(narrow))} goes with MONTHLY and YEARLY", pointer)
    if "BYSETPOS" in parts and not any(name.startswith("BY") and name != "BYSETPOS" for name in parts):
        refuse("INVALID_RRULE", "BYSETPOS needs another BY part", pointer)


def refuse_never(schedule: Schedule) -> NoReturn:
    """Raise BadRequest: no instant from now on is in the window."""
    if schedule.recurring:
        pointer = "/cron" if schedule.cron else "/rrule"
        refuse("INVALID_SCHEDULE", "this window would never hold: no start from now on, or none before until", pointer)
    refuse("INVALID_SCHEDULE", "this window is over already: ends_at must be later than now", "/ends_at")


LONGEST_RANGE = timedelta(days=400)
"""Of a calendar of occurrences."""
