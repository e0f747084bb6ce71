"""Who was told of an incident, and who will be. Pure: deliveries and the monitor's rules in, sentences out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from control_plane.dashboard.words import interval, moment
from control_plane.store.deliveries import DeliveryView
from control_plane.store.incidents_read import IncidentView
from control_plane.store.monitor_reads import MonitorView


class Telling(Struct, frozen=True, kw_only=True):
    """Names of channels by what became of them, and what is still to come, in sentences."""

    told: Sequence[str]
    on_the_way: Sequence[str]
    not_told: Sequence[str]
    to_come: Sequence[str]


def telling(
    incident: IncidentView,
    deliveries: Sequence[DeliveryView],
    monitor: MonitorView | None,
    names: Mapping[UUID, str],
    *,
    now: datetime,
) -> Telling:
    """`names`: of the channels that are enabled. A channel was told once anything of the incident reached it."""
    states: dict[str, set[str]] = {}
    for each in deliveries:
        states.setdefault(each.channel_name, set()).add(each.state)
    told = [name for name, found in states.items() if "delivered" in found]
    on_the_way = [name for name, found in states.items() if "pending" in found and name not in told]
    return Telling(
        told=sorted(told),
        on_the_way=sorted(on_the_way),
        not_told=sorted(states.keys() - {*told, *on_the_way}),
        to_come=_to_come(incident, monitor, names, heard=bool(told or on_the_way), now=now),
    )


def _to_come(
    incident: IncidentView, monitor: MonitorView | None, names: Mapping[UUID, str], *, heard: bool, now: datetime
) -> list[str]:
    if incident.state == "resolved":
        return []
    said = []
    if incident.state == "triggered" and monitor is not None:
        if heard and monitor.renotify_interval_s:
            said.append(
                f"Until somebody acknowledges it, they are reminded every {interval(monitor.renotify_interval_s)}, "
                f"{monitor.max_repeats} times at most."
            )
        said += _steps(incident, monitor, names, now)
    if heard and (monitor is None or monitor.notify_recovery):
        said.append("When it is over, whoever was told hears of that.")
    return said


def _steps(incident: IncidentView, monitor: MonitorView, names: Mapping[UUID, str], now: datetime) -> list[str]:
    """The steps of the escalation that are ahead."""
    opened = incident.reopened_at or incident.opened_at
    said = []
    for step in monitor.escalations:
        due = opened + timedelta(seconds=step.after_s)
        if due > now:
            whom = ", ".join(names.get(each, "a channel that is disabled or gone") for each in step.channel_ids)
            said.append(f"If nobody acknowledges it, {whom} will be told {moment(due, now).relative}.")
    return said
