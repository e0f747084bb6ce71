"""The form of a maintenance window: what is typed into it, as fields and as the body that the rules read. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from control_plane.dashboard.fields import Field, Group, instant, lines, local, options, zone_of
from control_plane.domain.maintenance.maintenance_rules import WindowConfig

REPEATS = {"once": "Once", "cron": "By a cron expression", "rrule": "By an RRULE"}
COVERS = {"some": "Monitors and tags chosen below", "all": "Every monitor"}


class Typed(Struct, frozen=True, kw_only=True):
    """The form as it stands, in texts."""

    title: str = ""
    description: str = ""
    public: str = ""
    covers: str = "some"
    tags: str = ""
    repeat: str = "once"
    timezone: str = "UTC"
    starts_at: str = ""
    ends_at: str = ""
    cron: str = ""
    rrule: str = ""
    minutes: str = ""
    until: str = ""


NAMES = Typed.__struct_fields__


def typed_of(config: WindowConfig) -> Typed:
    """The form of a window that there is."""
    schedule, zone = config.schedule, zone_of(config.schedule.timezone)
    return Typed(
        title=config.title,
        description=config.description,
        public="yes" if config.public else "",
        covers="all" if config.targets.all else "some",
        tags=", ".join(config.targets.tags),
        repeat="cron" if schedule.cron else "rrule" if schedule.rrule else "once",
        timezone=schedule.timezone,
        starts_at=local(schedule.starts_at, zone),
        ends_at=local(schedule.ends_at, zone),
        cron=schedule.cron or "",
        rrule=schedule.rrule or "",
        minutes="" if schedule.duration_s is None else f"{schedule.duration_s / 60:g}",
        until=local(schedule.until, zone),
    )


def body_of(typed: Typed, *, monitor_ids: list[str], stored: WindowConfig | None) -> dict[str, Any]:
    """The whole window as a body says it: what the repetition that was chosen does not have is null."""
    every, recurring = typed.covers == "all", typed.repeat != "once"
    return {
        "title": typed.title,
        "description": typed.description.replace("\r\n", "\n"),
        "public": typed.public == "yes",
        "all": every,
        "monitors": [] if every else monitor_ids,
        "tags": [] if every else lines(typed.tags),
        "timezone": typed.timezone or "UTC",
        "starts_at": _instant(typed, "starts_at", stored),
        "ends_at": None if recurring else _instant(typed, "ends_at", stored),
        "cron": typed.cron if typed.repeat == "cron" else None,
        "rrule": typed.rrule if typed.repeat == "rrule" else None,
        "duration": _seconds(typed.minutes) if recurring else None,
        "until": _instant(typed, "until", stored) if recurring else None,
    }


def _instant(typed: Typed, name: str, stored: WindowConfig | None) -> object:
    """By the clocks of the zone. A field that was not touched keeps the stored instant to the second."""
    zone, text = zone_of(typed.timezone), getattr(typed, name)
    before = None if stored is None else getattr(stored.schedule, name)
    return before if before is not None and text == local(before, zone) else instant(text, zone)


def _seconds(minutes: str) -> int | str | None:
    """What is no number stays as it is: the rules refuse it."""
    try:
        seconds = float(minutes.replace(",", ".")) * 60
    except ValueError:
        return minutes or None
    return round(seconds) if 0 <= seconds < 1e9 else minutes


def groups_of(typed: Typed, about: Field) -> list[Group]:
    """The fields, as what and when."""
    plain = {"autocomplete": "off", "spellcheck": "false"}
    what = (
        _line("title", "What is planned", typed.title, required=True),
        _choice("covers", "It covers", "/all", COVERS, typed.covers),
        about,
        _line("tags", "Tags", typed.tags, "Whatever has one of them, with commas between."),
        Field(
            name="public",
            label="Tell the public",
            at="/public",
            type="tick",
            value=typed.public,
            hint="Status pages announce it.",
        ),
        Field(
            name="description",
            label="Description",
            at="/description",
            type="area",
            value=typed.description,
            hint="Shown with it.",
        ),
    )
    when = (
        _choice("repeat", "When", "/repeat", REPEATS, typed.repeat),
        Field(
            name="timezone",
            label="Time zone",
            at="/timezone",
            value=typed.timezone,
            hint="All times below are by its clocks.",
            extra={"list": "zones", **plain},
        ),
        _time("starts_at", "Begins", typed.starts_at, "An RRULE counts from here; a cron expression needs none."),
        _time("ends_at", "Ends", typed.ends_at, "Of a window that holds once."),
    )
    again = (
        _line("cron", "Cron expression", typed.cron, "Such as 0 2 * * SUN, for two o’clock on Sundays."),
        _line("rrule", "RRULE", typed.rrule, "Such as FREQ=MONTHLY;BYDAY=1SU, for each month’s first Sunday."),
        Field(
            name="minutes",
            label="Minutes each time",
            at="/duration",
            value=typed.minutes,
            hint="From 1 to 43 200.",
            extra={"inputmode": "decimal", **plain},
        ),
        _time("until", "No more from", typed.until, "Empty goes on for ever."),
    )
    return [Group(what), Group(when), Group(again, title="Again and again")]


def _line(name: str, label: str, value: str, hint: str = "", *, required: bool = False) -> Field:
    extra = {"autocomplete": "off"}
    return Field(name=name, label=label, at=f"/{name}", value=value, hint=hint, required=required, extra=extra)


def _choice(name: str, label: str, at: str, words: Mapping[str, str], value: str) -> Field:
    return Field(name=name, label=label, at=at, type="radios", options=options(words, {value}))


def _time(name: str, label: str, value: str, hint: str) -> Field:
    return Field(name=name, label=label, at=f"/{name}", type="datetime-local", value=value, hint=hint)
