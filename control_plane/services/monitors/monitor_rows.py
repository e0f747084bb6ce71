"""Between a monitor's configuration and its rows: reading what is stored, laying out what is to be stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from msgspec import Struct

from control_plane.domain.alerting import quiet_hours
from control_plane.domain.checks.kinds import MonitorCheck
from control_plane.domain.checks.stored_check import read_check
from control_plane.domain.judging.schedule import phase_ms, vote_window_ms
from control_plane.domain.judging.verdict import Policy, PolicyName
from control_plane.domain.monitors.binding_rules import Binding, named_channels
from control_plane.domain.monitors.escalation_rules import Escalation, channels_of_steps
from control_plane.domain.monitors.monitor_fields import Sla, named_monitors
from control_plane.domain.monitors.monitor_rules import MonitorConfig, Surroundings
from control_plane.domain.monitors.region_choice import RegionChoice
from control_plane.errors import Unavailable
from control_plane.sealing import Sealer, UnsealError
from control_plane.services.monitors.credentials import monitor_context, open_check
from control_plane.services.safety.read_gate import read_gate
from control_plane.store import assignments_write, dependencies, monitors, plans
from control_plane.store.assignments_write import AssignmentRow
from control_plane.store.monitors import BindingRow, MonitorRow
from control_plane.store.pool import Connection
from shared.ids import TenantId
from shared.netpolicy import PortProfile


class Caution(Struct, frozen=True):
    """Something that is allowed and probably not meant."""

    code: str
    message: str


async def read_surroundings(
    conn: Connection, *, tenant_id: TenantId, body: Mapping[str, Any], ports: PortProfile
) -> Surroundings:
    """The regions that the tenant may choose, which of the channels and monitors that the body names exist, its plan,
    and the gate of what may be watched.

    `ports`: the profile of TCP ports that the operator allows to checks from shared regions.
    """
    return await read_surroundings_of(conn, tenant_id=tenant_id, bodies=[body], ports=ports)


async def read_surroundings_of(
    conn: Connection, *, tenant_id: TenantId, bodies: Sequence[Mapping[str, Any]], ports: PortProfile
) -> Surroundings:
    """The same for many bodies at once: what any of them names."""
    rows = await assignments_write.visible_regions(conn, tenant_id=tenant_id)
    named = sorted({channel for body in bodies for channel in (*named_channels(body), *channels_of_steps(body))})
    channels: frozenset[UUID] = frozenset()
    if named:
        channels = await monitors.known_channels(conn, tenant_id=tenant_id, channel_ids=named)
    choices = tuple(
        RegionChoice(
            id=row.id,
            slug=row.slug,
            private=row.tenant_id is not None,
            enabled=row.enabled,
            selected_by_default=row.selected_by_default,
        )
        for row in rows
    )
    monitor_names = sorted({name for body in bodies for name in named_monitors(body)})
    named_ids: Mapping[str, UUID] = {}
    if monitor_names:
        named_ids = await dependencies.known_monitors(conn, tenant_id=tenant_id, names=monitor_names)
    terms = await plans.read_terms(conn, tenant_id=tenant_id)
    gate = await read_gate(conn, tenant_id=tenant_id)
    return Surroundings(choices, channels, ports, named_ids, terms, gate)


def opened_check(sealer: Sealer, row: MonitorRow) -> MonitorCheck:
    """The monitor's check with its secrets.

    Raises Unavailable, CREDENTIAL_UNAVAILABLE when they do not open, and what `masked_check` raises.
    """
    masked_check(row)
    try:
        return open_check(sealer, row.check, row.sealed, context=monitor_context(row.tenant_id, row.id))
    except UnsealError:
        raise Unavailable(
            "The stored credential cannot be opened: the operator has to restore its sealing key",
            code="CREDENTIAL_UNAVAILABLE",
        ) from None


def masked_check(row: MonitorRow) -> MonitorCheck:
    """The monitor's check with `***` for secrets. Raises Unavailable when this version cannot read it."""
    check = read_check(row.check)
    if check is None:
        raise Unavailable(f"This version of the control plane cannot read checks like this one ({row.kind}): update it")
    return check


def stored_config(
    row: MonitorRow,
    *,
    check: MonitorCheck,
    bindings: Sequence[BindingRow],
    regions: Sequence[RegionChoice],
    depends_on: Sequence[UUID] = (),
) -> MonitorConfig:
    """The configuration in force; `check` is the row's, with its secrets or masked. `depends_on` in ascending id."""
    return MonitorConfig(
        name=row.name,
        check=check,
        regions=tuple(choice for choice in regions if choice.id in row.regions),
        interval_s=row.interval_s,
        region_policy=Policy(cast("PolicyName", row.region_policy), row.region_policy_count),
        confirmations=row.confirmations,
        tags=tuple(row.tags),
        group=row.group,
        alerts=tuple(
            Binding(b.channel_id, None if b.events is None else tuple(b.events)) for b in bindings if b.step == 0
        ),
        escalations=escalations_of(bindings),
        notify_recovery=row.notify_recovery,
        renotify_interval_s=row.renotify_interval_s,
        max_repeats=row.max_repeats,
        severity=row.severity,
        alert_on=row.alert_on,
        backoff_when_down=row.backoff_when_down,
        sla=None if row.sla_target is None or row.sla_period_days is None else Sla(row.sla_target, row.sla_period_days),
        quiet_hours=quiet_hours.of_row(row.quiet_hours),
        depends_on=tuple(depends_on),
        owner=row.owner,
        notes=row.notes,
        enabled=row.enabled,
        key=row.key,
    )


def plain_columns(config: MonitorConfig) -> dict[str, Any]:
    """The columns of monitors that a configuration decides by itself: all but check, secrets and versions."""
    return {
        "key": config.key,
        "name": config.name,
        "interval_s": config.interval_s,
        "regions": [region.id for region in config.regions],
        "confirmations": config.confirmations,
        "region_policy": config.region_policy.name,
        "region_policy_count": config.region_policy.k,
        "tags": list(config.tags),
        "group": config.group,
        "severity": config.severity,
        "alert_on": config.alert_on,
        "notify_recovery": config.notify_recovery,
        "renotify_interval_s": config.renotify_interval_s,
        "max_repeats": config.max_repeats,
        "owner": config.owner,
        "notes": config.notes,
        "enabled": config.enabled,
        "backoff_when_down": config.backoff_when_down,
        "sla_target": None if config.sla is None else config.sla.target,
        "sla_period_days": None if config.sla is None else config.sla.period_days,
        "quiet_hours": quiet_hours.written(config.quiet_hours),
    }


def binding_rows(config: MonitorConfig) -> list[BindingRow]:
    """The rows of monitor_channels and of monitor_escalations."""
    told = [BindingRow(b.channel_id, None if b.events is None else list(b.events)) for b in config.alerts]
    steps = enumerate(config.escalations, 1)
    return told + [BindingRow(id_, None, number, step.after_s) for number, step in steps for id_ in step.channel_ids]


def escalations_of(bindings: Sequence[BindingRow]) -> tuple[Escalation, ...]:
    """The steps that have a channel left, in their order."""
    steps: dict[int, list[BindingRow]] = {}
    for one in bindings:
        if one.step:
            steps.setdefault(one.step, []).append(one)
    return tuple(
        Escalation(rows[0].after_s or 0, tuple(sorted(row.channel_id for row in rows)))
        for _, rows in sorted(steps.items())
    )


def assignment_rows(row: MonitorRow, *, timeout_ms: int) -> list[AssignmentRow]:
    """What each region of the monitor runs; none while it is paused."""
    wanted = row.regions if row.enabled else []
    interval_ms = row.interval_s * 1000
    window_ms = vote_window_ms(cadence_ms=interval_ms, timeout_ms=timeout_ms)
    return [
        AssignmentRow(
            region_id,
            window_ms,
            phase_ms(row.tenant_id, row.number, region_index=index, region_count=len(wanted), interval_ms=interval_ms),
        )
        for index, region_id in enumerate(wanted)
    ]


async def assign(conn: Connection, row: MonitorRow, *, timeout_ms: int) -> None:
    """Make the assignments say what the row says, and have the agents of every region concerned look.

    A paused monitor has none. Re-checks of an older check version go.
    """
    wanted = row.regions if row.enabled else []
    removed = await assignments_write.remove_assignments(conn, tenant_id=row.tenant_id, monitor_id=row.id, keep=wanted)
    rows = assignment_rows(row, timeout_ms=timeout_ms)
    await assignments_write.upsert_assignments(
        conn, tenant_id=row.tenant_id, monitor_id=row.id, check_version=row.check_version, rows=rows
    )
    await assignments_write.drop_stale_dispatches(
        conn, tenant_id=row.tenant_id, monitor_id=row.id, check_version=row.check_version if row.enabled else None
    )
    await assignments_write.notify_regions(conn, sorted({*removed, *wanted}))
