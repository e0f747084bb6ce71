"""The stored form of a check: what may be read, and its secrets, sealed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from control_plane.domain.checks.kinds import MonitorCheck
from control_plane.domain.checks.secrets_of_check import CheckSecrets, join, split
from control_plane.domain.checks.stored_check import convert_check
from control_plane.sealing import Sealer


def monitor_context(tenant_id: UUID, monitor_id: UUID) -> str:
    """What a monitor's sealed secrets are bound to: they open for no other row."""
    return f"monitor:{tenant_id}:{monitor_id}"


def dispatch_context(dispatch_id: UUID) -> str:
    """What the sealed secrets of one test are bound to."""
    return f"dispatch:{dispatch_id}"


def seal_check(sealer: Sealer, check: MonitorCheck, *, context: str) -> tuple[dict[str, Any], bytes | None]:
    """The check as stored: its JSON object with `***` for secrets, and the secrets sealed (None: none)."""
    masked, secrets = split(check)
    document: dict[str, Any] = msgspec.to_builtins(masked)
    if secrets.empty:
        return document, None
    return document, sealer.seal(msgspec.json.encode(secrets), context=context)


def open_check(sealer: Sealer, document: object, sealed: bytes | None, *, context: str) -> MonitorCheck:
    """The whole check, secrets in place. Raises what `Sealer.open` raises when they cannot be opened."""
    masked = convert_check(document)
    if sealed is None:
        return masked
    secrets = msgspec.json.decode(sealer.open(sealed, context=context), type=CheckSecrets)
    return join(masked, secrets)
