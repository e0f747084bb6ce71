"""The submission rules of a monitor: a decoded JSON body in, a whole configuration out, or every refusal at once.

Creating and changing are the same thing: a body is merged (RFC 7396) onto what is stored, or onto the defaults. Absent
keeps, null clears; a cleared field has its default again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, structs

from control_plane.domain import field_rules
from control_plane.domain.alerting.quiet_hours import QuietHours
from control_plane.domain.checks.check_rules import RULES, read_check, rules_of
from control_plane.domain.checks.kinds import MonitorCheck
from control_plane.domain.checks.regionless import (
    CONFIRMATIONS,
    is_regionless,
    timeout_ms,
    weigh_members,
    without_regions,
)
from control_plane.domain.field_rules import Findings
from control_plane.domain.judging.verdict import Policy
from control_plane.domain.monitors.binding_rules import Binding, read_alerts
from control_plane.domain.monitors.escalation_rules import Escalation, read_escalations
from control_plane.domain.monitors.monitor_fields import PLAIN, Sla, read_depends_on
from control_plane.domain.monitors.region_choice import MAX_REGIONS, RegionChoice, read_regions
from control_plane.domain.safety.safety_gate import OPEN_GATE, Gate
from control_plane.domain.tenants.plan import NO_LIMITS, PlanTerms, interval_floor_s, require_regions
from control_plane.domain.tenants.plan_rules import floor_of, refuse_beyond_plan
from control_plane.errors import BadRequest, FarwatchError, Refused
from shared.netpolicy import PortProfile

LEAST_INTERVAL_S = min(rules.interval_floor_s for rules in RULES.values())


class MonitorConfig(Struct, frozen=True, kw_only=True):
    """All that a tenant decides about a monitor. `regions` and `depends_on` in ascending id."""

    name: str
    check: MonitorCheck
    regions: tuple[RegionChoice, ...]
    interval_s: int = 60
    region_policy: Policy = Policy()
    confirmations: int = 2
    tags: tuple[str, ...] = ()
    group: str | None = None
    alerts: tuple[Binding, ...] = ()
    notify_recovery: bool = True
    renotify_interval_s: int = 3600
    max_repeats: int = 10
    escalations: tuple[Escalation, ...] = ()
    severity: str = "major"
    alert_on: str = "down"
    backoff_when_down: bool = False
    sla: Sla | None = None
    quiet_hours: QuietHours | None = None
    depends_on: tuple[UUID, ...] = ()
    owner: str | None = None
    notes: str | None = None
    enabled: bool = True
    key: str | None = None


class Surroundings(Struct, frozen=True):
    """What a body may refer to: regions in ascending id, and those of the channels and monitors it names that exist.

    `ports`: the profile of TCP ports that checks from shared regions may use. `monitors`: ids by id and by key.
    `terms`: what the tenant's plan allows. `gate`: what the operator's rules forbid.
    """

    regions: tuple[RegionChoice, ...]
    channels: frozenset[UUID] = frozenset()
    ports: PortProfile = "any"
    monitors: Mapping[str, UUID] = {}
    terms: PlanTerms = NO_LIMITS
    gate: Gate = OPEN_GATE


def read_monitor(body: Mapping[str, Any], *, stored: MonitorConfig | None, surroundings: Surroundings) -> MonitorConfig:
    """The configuration that this body asks for, onto `stored` (None: a new monitor).

    Raises the first refusal; where there are several, its details name them all.
    """
    findings = Findings()
    _refuse_unknown(body, findings)
    values: dict[str, Any] = {}
    regionless = is_regionless(body, None if stored is None else stored.check)
    if regionless:
        body = without_regions(body, findings)
        values |= {"regions": (), "confirmations": CONFIRMATIONS}
    for field, reader in PLAIN.items():
        if (given := body.get(field, UNSET)) is not UNSET:
            _take(values, findings, field, reader, given)
    _take_channels(values, findings, body, "alerts", surroundings.channels)
    _take_channels(values, findings, body, "escalations", surroundings.channels)
    _take_depends_on(values, findings, body.get("depends_on", UNSET), surroundings.monitors)
    regions: tuple[RegionChoice, ...] | None = ()
    if not regionless:
        regions = _take_regions(values, findings, body.get("regions", UNSET), stored, surroundings.regions)
    _take_policy(values, findings, body.get("region_policy", UNSET), regions)
    _take_check(values, findings, body.get("check", UNSET), stored, _Reach(regions, surroundings.ports))
    weigh_members(body, findings, surroundings.monitors)
    if stored is None and "name" not in body:
        findings.add(BadRequest("name is required: 1 to 100 characters", code="MISSING_FIELD", field="/name"))
    _fill_in_by_kind(values, body, stored, surroundings.terms)
    _weigh_interval(values, findings, stored, surroundings.terms)
    _weigh_timeout(values, findings, stored)
    _weigh_target(values, findings, stored, surroundings.gate)
    findings.raise_any()
    config = _merge(values, stored)
    if stored is None:
        refuse_beyond_plan(surroundings.terms, config.check, interval_s=config.interval_s, regions=len(config.regions))
    elif config.regions != stored.regions:  # what a better plan once allowed is kept, and not extended
        require_regions(surroundings.terms, len(config.regions))
    return config


def same_schedule(one: MonitorConfig, other: MonitorConfig) -> bool:
    """Whether votes go on: check, interval and regions are the same, so that no new check version begins."""
    return (one.check, one.interval_s, one.regions) == (other.check, other.interval_s, other.regions)


FIELDS = (*PLAIN, "check", "regions", "region_policy", "alerts", "escalations", "depends_on")

_ATTRIBUTE = {"interval": "interval_s", "renotify_interval_secs": "renotify_interval_s"}
_DEFAULTS: dict[str, Any] = {field.name: field.default for field in structs.fields(MonitorConfig) if not field.required}


def _refuse_unknown(body: Mapping[str, Any], findings: Findings) -> None:
    for field in body:
        if field not in FIELDS:
            pointer = "/" + field.replace("~", "~0").replace("/", "~1")
            message = f"{field[:60]} is not a field of a monitor. Fields: {', '.join(FIELDS)}"
            findings.add(BadRequest(message, code="UNKNOWN_FIELD", field=pointer))


def _take(
    values: dict[str, Any], findings: Findings, field: str, reader: Callable[[object, str], Any], given: object
) -> None:
    attribute = _ATTRIBUTE.get(field, field)
    if given is None and attribute in _DEFAULTS:
        values[attribute] = _DEFAULTS[attribute]
    elif given is not None or field == "name":
        taken = findings.take(reader, given, f"/{field}")
        if taken is not None:
            values[attribute] = taken


_OF_CHANNELS: dict[str, Callable[..., Any]] = {"alerts": read_alerts, "escalations": read_escalations}


def _take_channels(
    values: dict[str, Any], findings: Findings, body: Mapping[str, Any], field: str, channels: Collection[UUID]
) -> None:
    given = body.get(field, UNSET)
    if given is UNSET:
        return
    reader = _OF_CHANNELS[field]
    taken = findings.take(
        lambda value, at: reader(value, at, channels=channels), [] if given is None else given, f"/{field}"
    )
    if taken is not None:
        values[field] = taken


def _take_depends_on(values: dict[str, Any], findings: Findings, given: object, monitors: Mapping[str, UUID]) -> None:
    if given is UNSET:
        return
    taken = findings.take(
        lambda value, at: read_depends_on(value, at, monitors=monitors), [] if given is None else given, "/depends_on"
    )
    if taken is not None:
        values["depends_on"] = taken


def _take_regions(
    values: dict[str, Any],
    findings: Findings,
    given: object,
    stored: MonitorConfig | None,
    choices: Sequence[RegionChoice],
) -> tuple[RegionChoice, ...] | None:
    """The monitor's regions after this body; None when what it says of them was refused."""
    if given is UNSET and stored is not None:
        return stored.regions
    given = None if given is UNSET else given
    taken = findings.take(lambda value, at: read_regions(value, at, choices=choices), given, "/regions")
    if taken is not None:
        values["regions"] = taken
    return taken


def _take_policy(
    values: dict[str, Any],
    findings: Findings,
    given: object,
    regions: tuple[RegionChoice, ...] | None,
) -> None:
    if given is UNSET:
        return
    if given is None:
        values["region_policy"] = Policy()
        return
    count = len(regions) if regions else MAX_REGIONS
    taken = findings.take(
        lambda value, at: field_rules.region_policy(value, at, regions=count), given, "/region_policy"
    )
    if taken is not None:
        values["region_policy"] = taken


class _Reach(Struct, frozen=True):
    """From where a check will run; `regions` None: that was refused."""

    regions: tuple[RegionChoice, ...] | None
    ports: PortProfile

    @property
    def is_private(self) -> bool:
        return self.regions is None or all(region.private for region in self.regions)


def _take_check(
    values: dict[str, Any],
    findings: Findings,
    given: object,
    stored: MonitorConfig | None,
    reach: _Reach,
) -> None:
    """Other regions have the stored check judged again: a shared one may not go where a private one may."""
    if given is UNSET and stored is not None:
        if not values.get("regions"):
            return
        given = {}
    if given is UNSET or given is None:
        message = "check is required: an object with a type, or a string such as https://example.com/health"
        findings.add(BadRequest(message, code="MISSING_FIELD", field="/check"))
        return
    old = None if stored is None else stored.check
    try:
        values["check"] = read_check(given, stored=old, policy_is_private=reach.is_private, ports=reach.ports)
    except FarwatchError as error:
        _note_all(error, findings)


def _note_all(error: FarwatchError, findings: Findings) -> None:
    """A refusal of the check brings its others along in its details: note each by itself."""
    others = (error.details or {}).pop("also", [])
    findings.add(error)
    for other in others:
        findings.add(BadRequest(other["message"], code=other["code"], field=other["field"]))


def _fill_in_by_kind(
    values: dict[str, Any], body: Mapping[str, Any], stored: MonitorConfig | None, terms: PlanTerms
) -> None:
    """The defaults that depend on the kind of check and the plan, for a new monitor and for a cleared field."""
    check = _check_in_force(values, stored)
    if check is None:
        return
    rules = rules_of(check)
    absent = None if stored is None else UNSET
    if body.get("interval", absent) is None:
        values["interval_s"] = max(rules.default_interval_s, floor_of(terms, check))
    if body.get("alert_on", absent) is None:
        values["alert_on"] = rules.default_alert_on


def _check_in_force(values: Mapping[str, Any], stored: MonitorConfig | None) -> MonitorCheck | None:
    """The check after this body; None while it has none that was accepted."""
    check: MonitorCheck | None = values.get("check", None if stored is None else stored.check)
    return check


def _weigh_interval(
    values: Mapping[str, Any], findings: Findings, stored: MonitorConfig | None, terms: PlanTerms
) -> None:
    """An interval that is given is not under the floor of plan and kind; of the least, where the kind is unknown."""
    if "interval_s" not in values or (stored is not None and values["interval_s"] == stored.interval_s):
        return
    check = _check_in_force(values, stored)
    unknown_s = interval_floor_s(terms, kind_floor_s=LEAST_INTERVAL_S)
    floor_s = unknown_s if check is None else floor_of(terms, check)
    try:
        field_rules.interval_floor(values["interval_s"], floor_s=floor_s)
    except Refused as error:
        findings.add(error)


def _weigh_timeout(values: Mapping[str, Any], findings: Findings, stored: MonitorConfig | None) -> None:
    """timeout <= interval, so that a region never runs a check twice at once."""
    check = _check_in_force(values, stored)
    if findings.errors or check is None:
        return
    interval_s = values["interval_s"] if stored is None else values.get("interval_s", stored.interval_s)
    timeout = timeout_ms(check)
    if timeout > interval_s * 1000:
        message = f"timeout is {timeout} ms, more than the interval of {interval_s} s: lower it, or raise the interval"
        findings.add(BadRequest(message, code="INVALID_TIMEOUT", field="/check/timeout"))


def _weigh_target(values: Mapping[str, Any], findings: Findings, stored: MonitorConfig | None, gate: Gate) -> None:
    """Whether the target may be watched, and as often; what is stored already is for services/apply_rules to judge."""
    check, old = _check_in_force(values, stored), None if stored is None else stored.check
    interval_s = values.get("interval_s", None if stored is None else stored.interval_s)
    if check is None or (check == old and stored is not None and interval_s == stored.interval_s):
        return
    try:
        if check != old:
            gate.refuse(check, "/check")
        is_new = old is None or gate.unverified_domain(check) != gate.unverified_domain(old)
        gate.refuse_unverified(check, interval_s=interval_s or 0, new=is_new)
    except Refused as error:
        findings.add(error)


def _merge(values: Mapping[str, Any], stored: MonitorConfig | None) -> MonitorConfig:
    return MonitorConfig(**values) if stored is None else structs.replace(stored, **values)
