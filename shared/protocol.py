"""The messages of /api/agent/v1. JSON; newer agents may say more, so unknown fields are ignored on this door.

Every duration is in milliseconds and every instant in Unix milliseconds by the server's clock unless a name says
otherwise (`_s`).
"""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from shared.checks import Check
from shared.netpolicy import PortProfile
from shared.results import CheckResult

PROTOCOL_VERSION = 1

MAX_RESULTS = 10_000
"""Items in one POST /results."""

LEASE_S = 15
"""How long an agent counts as live after its last poll."""

POLL_S = 5
"""How often an agent polls assignments, which renews its lease."""

MAX_CLOCK_SKEW_MS = 30_000
"""A batch whose `sent_at` is further off, or a slot further ahead, is stored and does not vote."""

MAX_FUTURE_MS = 300_000
"""A slot further ahead is rejected."""

MAX_AGE_MS = 25 * 3_600_000
"""A slot older than this is rejected."""

ANY_KIND = "any_kind"
"""A capability: this agent can hold checks of kinds that it does not know, and says `incapable` for them. To one that
has named its kinds without it, a check of another kind is never sent: it could not read the whole answer."""

ShortText = Annotated[str, Meta(max_length=200)]


class Hello(Struct, frozen=True, omit_defaults=True):
    """POST /hello, once per boot."""

    version: ShortText
    protocols: tuple[int, ...]
    boot_id: UUID
    capabilities: Annotated[tuple[ShortText, ...], Meta(max_length=32)] = ()


class RegionGrant(Struct, frozen=True, omit_defaults=True):
    """The region that a probe key belongs to. `allow_cidrs`: otherwise blocked ranges that its agents may reach.

    `ports`: the profile of TCP ports that checks may use there.
    """

    id: str
    name: str
    private: bool = False
    allow_cidrs: tuple[str, ...] = ()
    ports: PortProfile = "any"


class Welcome(Struct, frozen=True):
    """The answer to Hello."""

    agent_id: UUID
    agent_name: str
    region: RegionGrant
    protocol: int
    server_time: int
    lease_s: int = LEASE_S
    poll_s: int = POLL_S
    max_results: int = MAX_RESULTS


class Assignment(Struct, frozen=True, omit_defaults=True):
    """One line of a region's plan: "this region runs this monitor on this phase".

    Slots are `first_slot`, then every Unix time k x cadence + phase after it. `revision` changes with anything here;
    `check_version` only where older votes stop counting. The check carries its credentials, opened.
    """

    monitor_id: UUID
    tenant_id: UUID
    revision: int
    check_version: int
    check: Check
    cadence: int
    phase: int
    first_slot: int
    unavailable: str | None = None
    """Why the check must not be run, in words. Each slot is then `error` for the reason `unavailable_as`."""
    unavailable_as: Literal["credential", "incapable"] = "credential"
    """Its credential could not be opened, or this agent does not know such checks; `check` is then a stand-in."""


class Assignments(Struct, frozen=True, omit_defaults=True):
    """GET /assignments?cursor=…: what changed since the cursor, or a page of a snapshot.

    `snapshot` with an empty cursor sent: forget all and take these; `more`: ask again with the new cursor at once.
    `digest` is that of the whole region after the last page (see digest_term); null while `more`.
    `paused` is the reason why nothing may be run (kill switch); assignments are then empty.
    """

    server_time: int
    cursor: str
    agents: tuple[UUID, ...]
    """Live and healthy agents of the region, ascending: those that share its monitors."""
    digest: str | None = None
    """16 hexadecimal digits, lower case. No assignments at all: 0000000000000000."""
    snapshot: bool = False
    more: bool = False
    paused: str | None = None
    upserts: tuple[Assignment, ...] = ()
    removes: tuple[UUID, ...] = ()
    region: RegionGrant | None = None
    """What the region's agents may reach now; a changed grant holds from the next check on. Null: as in Welcome."""


class Dispatch(Struct, frozen=True, omit_defaults=True):
    """Work outside the schedule, due at `slot`. A test carries its own check; others name an assigned monitor."""

    id: UUID
    kind: Literal["recheck", "check_now", "test"]
    slot: int
    expires_at: int
    tenant_id: UUID
    monitor_id: UUID | None = None
    check_version: int | None = None
    check: Check | None = None
    unavailable: str | None = None
    """As in Assignment, of a test."""
    unavailable_as: Literal["credential", "incapable"] = "credential"


class Dispatches(Struct, frozen=True, omit_defaults=True):
    """GET /dispatch?wait=25 (seconds). `assignments_changed`: poll /assignments now."""

    server_time: int
    items: tuple[Dispatch, ...] = ()
    assignments_changed: bool = False


class ResultBatch(Struct, frozen=True):
    """POST /results."""

    sent_at: int
    items: Annotated[tuple[CheckResult, ...], Meta(max_length=MAX_RESULTS)]


class BatchReceipt(Struct, frozen=True):
    """What became of each item, in order: `stored`, `duplicate`, `late` or `rejected:CODE`. Sent after the commit.

    All four settle the item: the agent forgets it. CODE is INVALID, UNKNOWN_MONITOR (also one that is not assigned to
    this region), TOO_OLD or IN_FUTURE.
    """

    server_time: int
    statuses: tuple[str, ...]


class TestOutcome(Struct, frozen=True):
    """POST /dispatch/results, one item: what a test saw. `result.monitor_id` is the dispatch's id."""

    __test__ = False  # not a test class for pytest

    id: UUID
    result: CheckResult


class TestOutcomes(Struct, frozen=True):
    __test__ = False

    items: Annotated[tuple[TestOutcome, ...], Meta(max_length=32)]


class Observations(Struct, frozen=True, omit_defaults=True):
    """POST /observations: how the agent itself is. An unhealthy agent's share moves to the region's others."""

    sent_at: int
    healthy: bool
    reason: Annotated[str, Meta(max_length=500)] | None = None
    clock_offset: float | None = None
    """Agent's clock minus server's."""
    saturation: Annotated[float, Meta(ge=0, le=1000)] | None = None
    """Share of the check slots in use, 1 = all."""
    lag: Annotated[float, Meta(ge=0)] | None = None
    """How late the latest checks started, or the agent's own loop was: ms, the worst since the last observations."""
    spooled: Annotated[int, Meta(ge=0)] | None = None
    """Results waiting on disk."""
    gaps: Annotated[int, Meta(ge=0)] | None = None
    """Slots given up since boot because this agent could not start them within their interval."""
    crowded_gaps: Annotated[int, Meta(ge=0)] | None = None
    """The same because too many checks of their tenant were under way at the same target."""


class Farewell(Struct, frozen=True):
    """The answer to POST /goodbye, which ends the agent's lease. It may be asked again until `handed_over`.

    `handed_over`: every live agent of the region has polled since the lease ended, so that the share is theirs.
    """

    server_time: int
    handed_over: bool


def digest_term(monitor_id: UUID, revision: int) -> int:
    """One assignment's part of its region's digest: the region's digest is the sum of all parts modulo 2**64.

    A sum, so that both sides can keep it up to date change by change. The part is the high half of the monitor's id
    plus the low half, times an odd constant, plus the revision times another (multiplicative hashing); it only has to
    notice lost changes, not an attacker.
    """
    value = monitor_id.int
    mixed = ((value >> 64) ^ value) & _MASK
    return (mixed * 0x9E3779B97F4A7C15 + revision * 0xC2B2AE3D27D4EB4F + (mixed >> 29) * revision) & _MASK


_MASK = 2**64 - 1
