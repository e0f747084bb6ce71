"""What a route may be: a decoded JSON object in, a value out, every bad field named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.domain import field_rules
from control_plane.domain.alerting.notice_match import MAX_CHANNELS, Match, read_ids, read_match
from control_plane.domain.field_rules import Findings
from control_plane.domain.monitors.binding_rules import read_events
from control_plane.domain.monitors.monitor_fields import read_key
from control_plane.errors import BadRequest

FIELDS = ("name", "enabled", "match", "events", "channel_ids", "key")


class RouteConfig(Struct, frozen=True, kw_only=True):
    """What people write of a route. `events` None is the notices of incidents."""

    name: str
    enabled: bool = True
    match: Match = Match()
    events: tuple[str, ...] | None = None
    channel_ids: tuple[UUID, ...] = ()
    key: str | None = None


class Known(Struct, frozen=True, kw_only=True):
    """The monitors and channels that a body names and that there are."""

    monitors: frozenset[UUID] = frozenset()
    channels: frozenset[UUID] = frozenset()


def read_route(body: Mapping[str, Any], *, stored: RouteConfig | None, known: Known) -> RouteConfig:
    """The route that the body describes, merged (RFC 7396) onto `stored`. Raises BadRequest that names bad fields."""
    findings = Findings()
    field_rules.refuse_unknown(body, known=FIELDS, pointer="", findings=findings)
    fields = {} if stored is None else {name: getattr(stored, name) for name in RouteConfig.__struct_fields__}
    if "name" in body or stored is None:
        fields["name"] = findings.take(field_rules.name, body.get("name", ""), "/name")
    if "enabled" in body:
        enabled = body["enabled"]
        fields["enabled"] = True if enabled is None else findings.take(field_rules.boolean, enabled, "/enabled")
    if "match" in body:
        fields["match"] = _match(body["match"], stored, known, findings)
    if "events" in body:
        fields["events"] = findings.take(read_events, body["events"], "/events")
    if "channel_ids" in body:
        fields["channel_ids"] = _channels(body["channel_ids"], known, findings)
    elif stored is None:
        message = "channel_ids is missing: the ids of the channels that are told"
        findings.add(BadRequest(message, code="MISSING_FIELD", field="/channel_ids"))
    if "key" in body:
        fields["key"] = None if body["key"] is None else findings.take(read_key, body["key"], "/key")
    findings.raise_any()
    return RouteConfig(**fields)


def _match(value: object, stored: RouteConfig | None, known: Known, findings: Findings) -> Match | None:
    if value is None:
        return Match()
    before = None if stored is None else stored.match
    return findings.take(lambda one, at: read_match(one, at, stored=before, monitors=known.monitors), value, "/match")


def _channels(value: object, known: Known, findings: Findings) -> tuple[UUID, ...] | None:
    if value is None:
        return ()
    taken = findings.take(
        lambda one, at: read_ids(one, at, known=known.channels, limit=MAX_CHANNELS, word="channel"),
        value,
        "/channel_ids",
    )
    return None if taken is None else tuple(sorted(taken))
