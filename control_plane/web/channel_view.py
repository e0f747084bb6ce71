"""A channel as people see it, whoever owns it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from control_plane.domain.alerting.delivery import UNWELL_AFTER
from control_plane.domain.channels.verification import State, verification_state
from control_plane.store.channels import ChannelRow
from control_plane.web.quiet_hours_view import QUIET_ERRORS, QuietHoursJson, quiet_hours_json

DENIED = ("DOMAIN_DENYLISTED", "DOMAIN_OPTED_OUT", "URL_PATTERN_BLOCKED", "ABUSE_BLOCKED")
"""What the operator's rules say of a destination."""

CONFIG_ERRORS = (
    "INVALID_CHANNEL_CONFIG",
    "INVALID_HEADER",
    "INVALID_TEMPLATE",
    "REDACTION_SENTINEL",
    "SSRF_BLOCKED",
    *DENIED,
    "PORT_BLOCKED",
    "CHANNEL_KIND_MANAGED",
    "CHANNEL_KIND_UNAVAILABLE",
    *QUIET_ERRORS,
)
"""What may be wrong with a configuration."""

EXAMPLE = {"type": "webhook", "url": "https://ops.example.com/farwatch", "headers": {"X-Team": "ops"}}


class ChannelHealth(Struct, frozen=True, kw_only=True):
    """How the latest deliveries went. `state` is unknown before the first."""

    state: Literal["ok", "not_delivering", "unknown"]
    consecutive_failures: int
    last_delivered_at: datetime | None
    last_error: str | None


class Verification(Struct, frozen=True, kw_only=True):
    """Whether an address has said yes. `sent_at`: when the newest link was made; null: none could be sent yet."""

    state: State
    sent_at: datetime | None


class Channel(Struct, frozen=True, kw_only=True):
    """A channel. Secrets read as `***`, save for one that we made, in the reply that made it.

    `verification` is of e-mail addresses alone.
    """

    id: UUID
    number: int
    name: str
    kind: str
    config: dict[str, Any]
    enabled: bool
    disabled_reason: str | None
    templates: dict[str, str] | None
    health: ChannelHealth
    verification: Verification | None
    quiet_hours: QuietHoursJson | None
    write_source: str
    created_at: datetime
    updated_at: datetime


class NewChannel(Struct, frozen=True, kw_only=True):
    """`config` is tagged by its `type`; `templates` are texts of your own for messages (docs/messages.md)."""

    name: str
    config: dict[str, Any]
    enabled: bool = True
    templates: dict[str, str | None] | None = None
    quiet_hours: dict[str, Any] | None = None


class ChannelPatch(Struct, frozen=True, kw_only=True):
    """Absent keeps; `config` merges, and null for a secret makes a new one."""

    name: str | UnsetType = UNSET
    config: dict[str, Any] | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    templates: dict[str, str | None] | UnsetType | None = UNSET
    quiet_hours: dict[str, Any] | UnsetType | None = UNSET


def channel_view(row: ChannelRow, made: dict[str, Any] | None = None) -> Channel:
    """`made`: secrets of ours, to be shown this once."""
    return Channel(
        id=row.id,
        number=row.number,
        name=row.name,
        kind=row.kind,
        config=row.config | (made or {}),
        enabled=row.enabled,
        disabled_reason=row.disabled_reason,
        templates=row.templates,
        health=_health(row),
        verification=_verification(row),
        quiet_hours=quiet_hours_json(row.quiet_hours),
        write_source=row.write_source,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _health(row: ChannelRow) -> ChannelHealth:
    state: Literal["ok", "not_delivering", "unknown"] = "ok"
    if row.consecutive_failures >= UNWELL_AFTER:
        state = "not_delivering"
    elif row.last_delivered_at is None:
        state = "unknown"
    return ChannelHealth(
        state=state,
        consecutive_failures=row.consecutive_failures,
        last_delivered_at=row.last_delivered_at,
        last_error=row.last_error,
    )


def _verification(row: ChannelRow) -> Verification | None:
    if row.kind != "email":
        return None
    state = verification_state(verified_at=row.verified_at, is_over=row.verification_over)
    return Verification(state=state, sent_at=row.verification_sent_at)
