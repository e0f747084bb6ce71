"""What a silence may be: a decoded JSON object in, a value out, every bad field named."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from uuid import UUID

import msgspec
from msgspec import Struct

from control_plane.domain import field_rules
from control_plane.domain.alerting import notice_match
from control_plane.domain.alerting.notice_match import MAX_CHANNELS, Match, Traits, covers, read_ids, read_match
from control_plane.domain.channels.route_rules import Known
from control_plane.domain.field_rules import Findings, refuse
from control_plane.errors import BadRequest

LONGEST = timedelta(days=90)
REASON_LIMIT = 1_000
FIELDS = ("name", "reason", "starts_at", "ends_at", "match")
MATCH_FIELDS = (*notice_match.FIELDS, "channel_ids")


class SilenceConfig(Struct, frozen=True, kw_only=True):
    """What people write of a silence. It holds from `starts_at` until before `ends_at`; no channel is all of them."""

    name: str
    starts_at: datetime
    ends_at: datetime
    reason: str = ""
    match: Match = Match()
    channel_ids: tuple[UUID, ...] = ()


def silences(
    match: Match,
    channel_ids: tuple[UUID, ...],
    *,
    channel_id: UUID | None,
    severity: str | None,
    monitors: tuple[Traits, ...],
) -> bool:
    """Whether a silence that holds mutes a notice to this channel about these monitors."""
    return (not channel_ids or channel_id in channel_ids) and covers(match, severity=severity, monitors=monitors)


def read_silence(
    body: Mapping[str, Any], *, stored: SilenceConfig | None, known: Known, now: datetime
) -> SilenceConfig:
    """The silence that the body describes, merged (RFC 7396) onto `stored`. Raises BadRequest that names bad fields.

    Without `starts_at` it holds from now on. An end that is past already means now.
    """
    findings = Findings()
    field_rules.refuse_unknown(body, known=FIELDS, pointer="", findings=findings)
    fields: dict[str, Any] = {"starts_at": now}
    if stored is not None:
        fields = {name: getattr(stored, name) for name in SilenceConfig.__struct_fields__}
    if "name" in body or stored is None:
        fields["name"] = findings.take(field_rules.name, body.get("name", ""), "/name")
    if "reason" in body:
        fields["reason"] = "" if body["reason"] is None else findings.take(_reason, body["reason"], "/reason")
    if body.get("starts_at") is not None:
        fields["starts_at"] = findings.take(read_instant, body["starts_at"], "/starts_at")
    if "ends_at" in body or stored is None:
        fields["ends_at"] = findings.take(read_instant, body.get("ends_at"), "/ends_at")
    if "match" in body:
        fields |= _match(body["match"], stored, known, findings)
    findings.raise_any()
    config = SilenceConfig(**fields)
    return _in_order(config, stored, now)


def _in_order(config: SilenceConfig, stored: SilenceConfig | None, now: datetime) -> SilenceConfig:
    if stored is not None and config.ends_at < now and config.ends_at != stored.ends_at:
        config = msgspec.structs.replace(config, ends_at=now)
    if stored is None and config.ends_at <= now:
        refuse("INVALID_SILENCE", "the silence would be over already: ends_at is past", "/ends_at")
    if config.ends_at < config.starts_at or (stored is None and config.ends_at == config.starts_at):
        refuse("INVALID_SILENCE", "the silence would end before it begins", "/ends_at")
    if config.ends_at - config.starts_at > LONGEST:
        refuse("INVALID_SILENCE", f"a silence lasts at most {LONGEST.days} days", "/ends_at")
    return config


def _match(
    value: object, stored: SilenceConfig | None, known: Known, findings: Findings
) -> dict[str, Match | tuple[UUID, ...] | None]:
    """The two fields that a match of a silence says."""
    if value is None:
        return {"match": Match(), "channel_ids": ()}
    if not isinstance(value, dict):
        message = f"match is an object of {', '.join(MATCH_FIELDS)}: empty matches everything"
        findings.add(BadRequest(message, code="INVALID_TYPE", field="/match"))
        return {}
    of_notices = {name: one for name, one in value.items() if name != "channel_ids"}
    before = None if stored is None else stored.match
    found: dict[str, Any] = {
        "match": findings.take(
            lambda one, at: read_match(one, at, stored=before, monitors=known.monitors), of_notices, "/match"
        )
    }
    if "channel_ids" in value:
        channels = {*known.channels, *(stored.channel_ids if stored else ())}
        found["channel_ids"] = findings.take(
            lambda one, at: read_ids(one or [], at, known=channels, limit=MAX_CHANNELS, word="channel"),
            value["channel_ids"],
            "/match/channel_ids",
        )
    return found


def read_instant(value: object, pointer: str) -> datetime:
    """An instant with a zone, in UTC. Raises BadRequest INVALID_TIME, MISSING_FIELD."""
    if value is None:
        refuse("MISSING_FIELD", "this is missing: an RFC 3339 time with a zone, such as 2026-05-12T00:00:00Z", pointer)
    try:
        instant = msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        _refuse_instant(pointer)
    if instant.tzinfo is None or not 2000 < instant.year < 2200:
        _refuse_instant(pointer)
    return instant.astimezone(UTC)


def _refuse_instant(pointer: str) -> NoReturn:
    message = "this must be an RFC 3339 time with a zone, between 2001 and 2199, such as 2026-05-12T00:00:00Z"
    refuse("INVALID_TIME", message, pointer)


def _reason(value: object, pointer: str) -> str:
    return field_rules.text(value, pointer, code="INVALID_REASON", high=REASON_LIMIT)
