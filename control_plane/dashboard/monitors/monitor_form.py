"""The form that describes a monitor: what stands in it, the body that it makes, and every refusal beside its field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, Struct, structs

from control_plane.dashboard.monitors.form_fields import KINDS, FormField, Section, field_at, fields, sections
from control_plane.dashboard.monitors.form_offers import Choosable, Offer
from control_plane.dashboard.monitors.form_reading import MOST_STEPS, Raw
from control_plane.dashboard.monitors.form_values import CODECS, Written
from control_plane.dashboard.words import sentence
from control_plane.domain.checks.check_rules import RULES
from control_plane.domain.checks.kinds import SPECS
from control_plane.domain.checks.secrets_of_check import MASK
from control_plane.domain.monitors.binding_rules import BOUND_EVENTS
from control_plane.domain.monitors.monitor_rules import MonitorConfig
from control_plane.domain.pasted.inferred import Inferred
from control_plane.errors import BadRequest, FarwatchError
from control_plane.store.monitor_reads import MonitorView

INTERVALS = ("10 s", "30 s", "1 min", "2 min", "5 min", "15 min", "30 min", "1 h", "6 h", "1 d")
"""Offered while typing one; any other may be typed."""

_IN_WORDS = {
    "/sla/target": "This must be a number: per cent of the time, like 99.9",
    "tick": "This must be on or off",
    "whole": "This must be a whole number",
    "seconds": "This must be a time such as 30 s, 5 min, 1 h or 2 d",
    "milliseconds": "This must be a time such as 800 ms or 10 s",
}
"""What a form says instead where the API speaks of JSON types."""


class MonitorForm(Struct, frozen=True, kw_only=True):
    """The form as it is shown.

    `raw` is what stands in the fields, `usual` what would if nobody had said anything, `problems` the message beside
    each field. `revision` is of the monitor that is changed; None for a new one.
    """

    kind: str
    action: str
    test_action: str
    submit: str
    raw: Raw
    usual: Raw
    offer: Offer
    problems: Mapping[str, str] = {}
    problem: str = ""
    notes: Sequence[str] = ()
    revision: int | None = None

    intervals = INTERVALS
    events = BOUND_EVENTS

    @property
    def title(self) -> str:
        return KINDS[self.kind][0]

    @property
    def sections(self) -> tuple[Section, ...]:
        return sections(self.kind)

    @property
    def regionless(self) -> bool:
        return RULES[self.kind].regionless

    @property
    def wrong(self) -> list[FormField]:
        """The fields with a problem, in the order of the page."""
        return [field for field in fields(self.kind) if field.name in self.problems]

    def one(self, name: str) -> str:
        """What stands in a field."""
        given = self.raw.get(name, ())
        return given[-1] if given else ""

    def all(self, name: str) -> Sequence[str]:
        """What is chosen of several, or what stands in fields of one name."""
        return self.raw.get(name, ())

    def is_open(self, section: Section) -> bool:
        """Whether a section is unfolded: something in it is wrong, or is not as usual."""
        return any(field.name in self.problems or not self._is_usual(field) for field in section.fields)

    def _is_usual(self, field: FormField) -> bool:
        def said(raw: Raw) -> Any:
            return CODECS[field.widget].read(raw, field)

        return bool(said(self.raw) == said(self.usual))

    @property
    def steps(self) -> range:
        """The steps of escalation that have something in them, and an empty one."""
        filled = [at for at in range(MOST_STEPS) if self.one(f"escalations-{at}-after")]
        return range(min(MOST_STEPS, max(filled, default=-1) + 2))

    @property
    def channels(self) -> Sequence[Choosable]:
        """Those on offer, and those that are told though whoever looks may not read channels."""
        listed = {channel.id for channel in self.offer.channels}
        named = (id_ for name in self.raw if name == "alerts" or name.endswith("-channels") for id_ in self.raw[name])
        unnamed = [id_ for id_ in dict.fromkeys(named) if id_ not in listed]
        return (*self.offer.channels, *(Choosable(id_, f"Channel {id_[:8]}") for id_ in unnamed))

    @property
    def unlisted_regions(self) -> Sequence[str]:
        """Regions of the monitor that nobody could choose any more."""
        listed = {region.slug for region in self.offer.regions}
        return [slug for slug in self.raw.get("regions", ()) if slug not in listed]


def usual(kind: str, offer: Offer) -> Written:
    """A form in which nobody has written anything: the defaults, in words."""
    spec = SPECS[kind]
    check = {field.name: _default(field) for field in structs.fields(spec)}
    monitor = {field.name: _default(field) for field in structs.fields(MonitorConfig)}
    monitor |= {"alert_on": RULES[kind].default_alert_on, "region_policy": "majority"}
    monitor |= {"renotify_interval_secs": monitor["renotify_interval_s"]}
    monitor |= {"regions": [region.slug for region in offer.regions if region.selected], "interval": None}
    return written(kind, check, monitor)


def _default(field: Any) -> Any:
    if field.default is not msgspec.NODEFAULT:
        return msgspec.to_builtins(field.default)
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else None


def written(kind: str, check: Mapping[str, Any], monitor: Mapping[str, Any]) -> Written:
    """A check and the rest of a monitor, as the API shows them, in the fields of the form."""
    raw: Written = {}
    for field in fields(kind):
        source = check if field.member[0] == "check" else monitor
        if field.member[-1] in source:
            raw |= CODECS[field.widget].write(source[field.member[-1]], field)
    return raw


def of_inferred(found: Inferred, offer: Offer) -> Written:
    """What a pasted text says, and the defaults for all that it does not."""
    return usual(found.kind, offer) | written(found.kind, found.check, {"name": found.name})


def of_view(view: MonitorView, offer: Offer) -> Written:
    """A monitor as it is; secrets are masked."""
    policy = view.region_policy if view.region_policy_count is None else {"count": view.region_policy_count}
    sla = None if view.sla_target is None else {"target": view.sla_target, "period_days": view.sla_period_days}
    monitor = {name: getattr(view, name) for name in _SAME_NAME} | {
        "interval": view.interval_s,
        "regions": [region.slug for region in view.regions],
        "region_policy": policy,
        "renotify_interval_secs": view.renotify_interval_s,
        "alerts": [{"channel_id": each.channel_id, "events": each.events} for each in view.alerts],
        "escalations": [{"after_s": step.after_s, "channel_ids": step.channel_ids} for step in view.escalations],
        "sla": sla,
    }
    return usual(view.kind, offer) | written(view.kind, view.check, monitor)


_SAME_NAME = (
    *("name", "confirmations", "tags", "group", "severity", "alert_on", "notify_recovery", "max_repeats", "owner"),
    *("notes", "enabled", "backoff_when_down", "quiet_hours", "depends_on", "key"),
)


def body_of(kind: str, raw: Raw) -> dict[str, Any]:
    """The same as the API would be sent: null for what was left empty, nothing for a secret that is kept."""
    check: dict[str, Any] = {"type": kind}
    body: dict[str, Any] = {}
    for field in fields(kind):
        value = CODECS[field.widget].read(raw, field)
        if value is not UNSET:
            (check if field.member[0] == "check" else body)[field.member[-1]] = value
    return body | {"check": check}


def patch_of(view: MonitorView, raw: Raw) -> dict[str, Any]:
    """The body of a change. Headers are merged by name: those that went are null, a secret that is kept is left out."""
    body = body_of(view.kind, raw)
    for member in RULES[view.kind].merged_by_name:
        given, old = body["check"].get(member) or {}, view.check.get(member) or {}
        names = {name.lower() for name in given}
        gone = {name: None for name in old if name.lower() not in names}
        kept = {name for name, value in given.items() if value == MASK and old.get(name) == MASK}
        body["check"][member] = gone | {name: value for name, value in given.items() if name not in kept}
    _keep_ends_of_lines(body["check"], view.check)
    _keep_ends_of_lines(body, {"notes": view.notes})
    return body


def _keep_ends_of_lines(body: dict[str, Any], stored: Mapping[str, Any]) -> None:
    """A browser makes all ends of lines alike: a text that differs in nothing else is as it was."""
    for member in ("body", "notes"):
        old = stored.get(member)
        if isinstance(old, str) and body.get(member) == old.replace("\r\n", "\n"):
            del body[member]


def kind_of_form(raw: Raw) -> str:
    """The kind whose form was sent. Raises BadRequest INVALID_CHECK_TYPE."""
    kind = (raw.get("kind") or [""])[0]
    if kind not in KINDS:
        raise BadRequest("Choose what to watch first", code="INVALID_CHECK_TYPE", field="/check/type")
    return kind


def with_problems(form: MonitorForm, error: FarwatchError) -> MonitorForm:
    """The form with every refusal beside its field."""
    found = [(error.field, error.code, error.message)]
    found += [(each["field"], each["code"], each["message"]) for each in (error.details or {}).get("also", ())]
    problems: dict[str, str] = {}
    rest = []
    for pointer, code, message in found:
        field = field_at(form.kind, pointer or "")
        if field is None:
            rest.append(sentence(message))
        else:
            missing = field.required and not form.one(field.name).strip()
            words = "This is missing" if missing else _in_words(field, pointer or "", code) or message
            problems.setdefault(field.name, sentence(words))
    return structs.replace(form, problems=problems, problem=" ".join(rest))


def _in_words(field: FormField, pointer: str, code: str) -> str | None:
    return _IN_WORDS.get(pointer, _IN_WORDS.get(field.widget)) if code == "INVALID_TYPE" else None
