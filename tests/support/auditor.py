"""The auditor: holds the rows of a database against the invariants, by code of its own.

It imports nothing of the control plane's: what it asks is SQL over the tables (audit_questions.py), and how many
votes prove something is said there once more. A sound database answers every question with no rows.

    breaches = await audit(connection, acknowledged={"us": ledger.acknowledged})
    assert breaches == []
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct

from tests.support.audit_questions import QUESTIONS

Acknowledged = Mapping[tuple[UUID, int], str]
"""What a sender was answered, by (monitor, slot)."""

SHOWN = 20
"""Rows told of one breach."""


class Reads(Protocol):
    """A connection that may read every row."""

    async def fetch(self, query: str, *args: Any) -> Any: ...


class Breach(Struct, frozen=True):
    """A broken invariant (by its number, or "events") with the rows that break it."""

    invariant: str
    what: str
    rows: list[dict[str, Any]]


async def audit(
    conn: Reads, *, acknowledged: Mapping[str, Acknowledged] | None = None, settled: bool = False
) -> list[Breach]:
    """Every breach there is.

    `acknowledged`: by region, what a ledger outside the system was told. `settled`: faults ended a minute ago.
    """
    breaches = []
    for question in QUESTIONS:
        if question.settled and not settled:
            continue
        found = [dict(row) for row in await conn.fetch(question.sql)]
        if found:
            breaches.append(Breach(question.invariant, question.what, found[:SHOWN]))
    for region, answers in (acknowledged or {}).items():
        breaches += await _lost(conn, region, answers)
    return breaches


async def _lost(conn: Reads, region: str, answers: Acknowledged) -> list[Breach]:
    rows = await conn.fetch(
        "SELECT r.monitor_id, r.slot FROM results r JOIN regions g ON g.id = r.region_id WHERE g.slug = $1", region
    )
    stored = {(row["monitor_id"], row["slot"]) for row in rows}
    kept = {pair for pair, status in answers.items() if status in ("stored", "duplicate", "late")}
    lost = [{"region": region, "monitor_id": monitor, "slot": slot} for monitor, slot in sorted(kept - stored)]
    return [Breach("1", "acknowledged and not stored", lost[:SHOWN])] if lost else []
