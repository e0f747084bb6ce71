"""How an agent keeps up with its region's assignments: cursors over PostgreSQL snapshots, and the digest.

The state an agent holds is that of one snapshot of the table. A cursor names that snapshot (xmin, xmax and the
transactions then in progress), so what changed since is exactly the rows whose last change that snapshot did not see:
a transaction that began before and commits after is in the next answer, however late it comes.

More than a page is read over several snapshots. `Pages` walks a change set, `Walk` the whole region by monitor; both
remember the first page's snapshot, and end in one more read from there, which brings what changed under way. Only an
answer that was read in one piece carries a digest.
"""

from __future__ import annotations

import re
from itertools import pairwise
from uuid import UUID

from msgspec import Struct

from shared.protocol import digest_term

PAGE = 5_000

_SNAPSHOT = re.compile(r"([1-9]\d{0,17}):([1-9]\d{0,17}):(\d{1,18}(?:,\d{1,18})*)?")
_LONGEST_SNAPSHOT = 2_000
_LONGEST_CURSOR = 4_200
_MODULUS = 2**64

NO_ASSIGNMENTS = f"{0:016x}"
"""The digest of none."""


class Since(Struct, frozen=True, tag=True):
    """The agent holds the state of `snapshot`."""

    snapshot: str


class Pages(Struct, frozen=True, tag=True):
    """The agent is reading what changed since `base`, in order of (xid, change), and has got this far."""

    base: str
    first: str
    xid: int
    change: int


class Walk(Struct, frozen=True, tag=True):
    """The agent is reading the whole region in order of monitor, and has got this far."""

    first: str
    after: UUID


Cursor = Since | Pages | Walk


def format_cursor(cursor: Cursor) -> str:
    """The cursor as it travels: opaque to agents."""
    match cursor:
        case Since(snapshot):
            return f"s.{shorten(snapshot)}"
        case Pages(base, first, xid, change):
            return f"p.{shorten(base)}.{shorten(first)}.{xid}.{change}"
        case Walk(first, after):
            return f"w.{shorten(first)}.{after.hex}"


def parse_cursor(text: str) -> Cursor | None:
    """The cursor, or None for an empty or unintelligible one: the agent then gets everything afresh."""
    if len(text) > _LONGEST_CURSOR:
        return None
    match text.split("."):
        case ["s", snapshot] if _is_snapshot(snapshot):
            return Since(snapshot)
        case ["p", base, first, xid, change] if (
            _is_snapshot(base) and _is_snapshot(first) and _is_number(xid) and _is_number(change)
        ):
            return Pages(base, first, int(xid), int(change))
        case ["w", first, after] if _is_snapshot(first) and re.fullmatch("[0-9a-f]{32}", after):
            return Walk(first, UUID(after))
        case _:
            return None


def foreign(cursor: Cursor, *, now: str) -> bool:
    """Whether the cursor knows transactions that this database has not yet seen: it is from another one."""
    match cursor:
        case Since(snapshot):
            latest = _xmax(snapshot)
        case Pages(base, first, _, _):
            latest = max(_xmax(base), _xmax(first))
        case Walk(first, _):
            latest = _xmax(first)
    return latest > _xmax(now)


def shorten(snapshot: str) -> str:
    """The snapshot, or, when very many transactions were in progress, an older one: more is then sent twice."""
    if len(snapshot) <= _LONGEST_SNAPSHOT:
        return snapshot
    xmin = snapshot.split(":", 1)[0]
    return f"{xmin}:{xmin}:"


def _is_snapshot(text: str) -> bool:
    """PostgreSQL's own rule: xmin <= xmax, and the transactions in progress rise from xmin to below xmax."""
    found = _SNAPSHOT.fullmatch(text)
    if found is None or not text.isascii():
        return False
    xmin, xmax = int(found[1]), int(found[2])
    running = [int(each) for each in (found[3] or "").split(",") if each]
    rising = all(low < high for low, high in pairwise(running))
    return xmin <= xmax and rising and all(xmin <= each < xmax for each in running)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


def _xmax(snapshot: str) -> int:
    return int(snapshot.split(":", 2)[1])


class Digest:
    """The digest of one region's assignments, kept up to date change by change (shared.protocol.digest_term)."""

    __slots__ = ("_revisions", "_sum")

    def __init__(self) -> None:
        self._revisions: dict[bytes, int] = {}
        self._sum = 0

    def __len__(self) -> int:
        return len(self._revisions)

    def put(self, monitor_id: UUID, revision: int) -> None:
        """The region runs this monitor, at this revision."""
        self.drop(monitor_id)
        self._revisions[monitor_id.bytes] = revision
        self._sum = (self._sum + digest_term(monitor_id, revision)) % _MODULUS

    def drop(self, monitor_id: UUID) -> None:
        """The region runs this monitor no longer."""
        known = self._revisions.pop(monitor_id.bytes, None)
        if known is not None:
            self._sum = (self._sum - digest_term(monitor_id, known)) % _MODULUS

    def text(self) -> str:
        """As it travels: 16 hexadecimal digits."""
        return f"{self._sum:016x}"
