"""The clock that this process shows to agents: the database's, which judgements are dated by.

Agents keep their slots by the server's time, and ingest holds those slots against the database's clock. Were the two
different clocks, a control-plane machine whose own clock is off would turn every vote away.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import structlog

from control_plane.store.fleet_reads import database_clock
from control_plane.store.pool import Database

WARN_ABOVE = timedelta(seconds=5)
TRUSTED_ROUND_TRIP = timedelta(milliseconds=250)
"""A question that took longer says too little about the moment of its answer."""

_log = structlog.get_logger(__name__)


class DatabaseClock:
    """This machine's clock, corrected by its measured difference to the database's."""

    def __init__(self) -> None:
        self._offset = timedelta()
        self._is_measured = False

    def __call__(self) -> datetime:
        """Now, aware, UTC, by the database's clock."""
        return datetime.now(UTC) + self._offset

    async def measure(self, database: Database) -> None:
        """Ask the database. The difference is known to half of the round trip; a slow answer is not believed."""
        async with database.app() as conn:
            asked = datetime.now(UTC)
            theirs = await database_clock(conn)
            answered = datetime.now(UTC)
        self.believe(theirs, asked=asked, answered=answered)

    def believe(self, theirs: datetime, *, asked: datetime, answered: datetime) -> None:
        """Take over what the database said between `asked` and `answered`, unless that took long."""
        if self._is_measured and answered - asked > TRUSTED_ROUND_TRIP:
            return
        offset = theirs - (asked + (answered - asked) / 2)
        if abs(offset) > WARN_ABOVE and abs(offset - self._offset) > WARN_ABOVE:
            _log.warning("clock differs from the database's", seconds=round(offset.total_seconds(), 1))
        self._offset, self._is_measured = offset, True
