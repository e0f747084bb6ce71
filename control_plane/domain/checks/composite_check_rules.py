"""The fields of a `composite` check."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from control_plane.domain import field_rules
from control_plane.domain.checks.composite_check import CompositeCheck, Members
from control_plane.domain.checks.kind_rules import KindRules, Place
from control_plane.domain.field_rules import Findings, integer, refuse
from shared.netpolicy import Policy

MAX_LISTED = 200
MAX_AT_LEAST = 10_000
CODE = "INVALID_COMPOSITE_PARAMS"

at_least = partial(integer, low=1, high=MAX_AT_LEAST, code=CODE)


def members(value: object, pointer: str) -> Members:
    """{"tag": …} or {"monitors": [ids]}. Raises INVALID_COMPOSITE_PARAMS unless it is exactly one of them."""
    if not isinstance(value, dict):
        refuse("INVALID_TYPE", 'of is an object: {"tag": "edge"} or {"monitors": ["<id>", …]}', pointer)
    findings = Findings()
    field_rules.refuse_unknown(value, known=("tag", "monitors"), pointer=pointer, findings=findings)
    findings.raise_any()
    given = {name: found for name, found in value.items() if found is not None}
    if len(given) != 1:
        refuse(CODE, "of names either a tag or monitors", pointer)
    if "tag" in given:
        return Members(tag=field_rules.tag(given["tag"], f"{pointer}/tag"))
    return Members(monitors=_listed(given["monitors"], f"{pointer}/monitors"))


def _listed(value: object, pointer: str) -> tuple[UUID, ...]:
    if not isinstance(value, list | tuple):
        refuse("INVALID_TYPE", "monitors is a list of ids", pointer)
    if not 1 <= len(value) <= MAX_LISTED:
        refuse(CODE, f"monitors lists 1 to {MAX_LISTED} ids; use a tag for more", pointer)
    return tuple(sorted({_id(item, f"{pointer}/{index}") for index, item in enumerate(value)}))


def _id(value: object, pointer: str) -> UUID:
    if isinstance(value, UUID):
        return value
    if not isinstance(value, str):
        refuse("INVALID_TYPE", "this must be the id of a monitor, a string", pointer)
    try:
        found = UUID(value)
    except ValueError:
        refuse(CODE, "this must be the id of a monitor (a UUID)", pointer)
    if str(found) != value.lower():
        refuse(CODE, "this must be the id of a monitor (a UUID with its hyphens)", pointer)
    return found


def refuse_conflicts(check: CompositeCheck, pointer: str) -> None:
    """No more members are asked for than are listed. Raises BadRequest INVALID_COMPOSITE_PARAMS."""
    listed = check.of.monitors
    if listed is not None and check.at_least > len(listed):
        message = f"at_least is {check.at_least} of {len(listed)} monitors: lower it, or list more"
        refuse(CODE, message, f"{pointer}/at_least")


def refuse_blocked(check: CompositeCheck, policy: Policy, at: Place) -> None:
    """Nothing is blocked: nobody is asked."""


RULES = KindRules(
    fields={"at_least": at_least, "of": members},
    required=("at_least", "of"),
    target=("at_least", "of"),
    refuse_blocked=refuse_blocked,
    refuse_conflicts=refuse_conflicts,
    fast_confirmation=False,
    regionless=True,
)
