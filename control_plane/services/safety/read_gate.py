"""Read what a submission is held against: one small statement; the rules are compiled once for each change of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from control_plane.domain.safety.safety import NO_RULES, Rules, target_of
from control_plane.domain.safety.safety_gate import OFF, Gate, KillSwitch, unproven
from control_plane.domain.safety.safety_settings import settings_of
from control_plane.store import safety
from control_plane.store.pool import Connection
from shared.ids import TenantId

_COMPILED: dict[str, Rules] = {}
"""By version, a word that no other state of the rules ever has; the newest few."""

_KEPT = 4


async def read_gate(conn: Connection, *, tenant_id: TenantId) -> Gate:
    """The gate for this tenant's submissions, as the operator and its proven domains have it now."""
    row = await safety.read_gate(conn)
    settings = settings_of(row.settings)
    rules = await compiled_rules(conn, row.version)
    gate = Gate(rules=rules, settings=settings, kill_switch=switch_of(row.kill_switch))
    if not settings.require_domain_verification:
        return gate
    verified = await safety.verified_domains(conn, tenant_id=tenant_id)
    targets = await safety.watched_targets(conn, tenant_id=tenant_id)
    watched = Counter(_unproven(targets, verified))
    return Gate(gate.rules, settings, gate.kill_switch, verified, watched)


async def compiled_rules(conn: Connection, version: str | None) -> Rules:
    """The rules of this version. Read while they change, they are kept under neither's name."""
    if version is None:
        return NO_RULES
    rules = _COMPILED.get(version)
    if rules is None:
        rules = Rules(*await safety.read_rules(conn))
        if (await safety.read_gate(conn)).version == version:
            while len(_COMPILED) >= _KEPT:
                _COMPILED.pop(next(iter(_COMPILED)))
            _COMPILED[version] = rules
    return rules


def switch_of(stored: Any) -> KillSwitch:
    """The kill switch from its row: absent or false is off."""
    match stored:
        case None | False:
            return OFF
        case {"reason": str(reason), "since": str(since)}:
            return KillSwitch(on=True, reason=reason, since=datetime.fromisoformat(since))
        case {"reason": str(reason)}:
            return KillSwitch(on=True, reason=reason)
        case _:
            return KillSwitch(on=True)


def _unproven(targets: list[dict[str, Any]], verified: frozenset[str]) -> Iterator[str]:
    for target in targets:
        domain = unproven(target_of(target), verified)
        if domain is not None:
            yield domain
