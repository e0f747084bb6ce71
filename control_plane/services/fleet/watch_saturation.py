"""The part of the watch that asks whether the fleet as a whole has too much to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from control_plane.domain.fleet.fleet import SATURATED, AgentState
from control_plane.domain.fleet.fleet_saturation import FLEET_SATURATED, is_saturated, told
from control_plane.services.fleet.write_operator_incidents import Change, Place, ending
from control_plane.services.installation.identity import new_id
from control_plane.store.operator_incidents import OperatorIncident

SUBJECT = "installation"


def judge_saturation(
    agents: Sequence[AgentState], held: Sequence[OperatorIncident], changes: Iterable[Change], *, now: datetime
) -> list[Change]:
    """What should change, given the open incidents and what this watch is about to change of them."""
    live = {one.id for one in agents if one.enabled and one.private_to is None and one.is_live(now)}
    open_ = {UUID(one.subject) for one in held if one.kind == SATURATED}
    for change in changes:
        if change.kind == SATURATED:
            (open_.add if change.resolution is None else open_.discard)(UUID(change.subject))
    mine = next((one for one in held if one.kind == FLEET_SATURATED), None)
    is_so = is_saturated(live=live, saturated=open_)
    if is_so and mine is None:
        return [_opening(told(live=live, saturated=open_))]
    return [_ended(mine)] if mine is not None and not is_so else []


def _opening(reason: str) -> Change:
    return Change(
        id=new_id(),
        kind=FLEET_SATURATED,
        subject=SUBJECT,
        severity="major",
        place=Place(),
        cause=f"The fleet is saturated. {reason}",
        reason=reason,
        details={},
    )


def _ended(incident: OperatorIncident) -> Change:
    return ending(
        incident, cause=f"The fleet was saturated. {incident.reason}", reason="Most agents can do their work again"
    )
