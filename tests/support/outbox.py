"""A tenant with channels and incidents that owe notices, and workers that deliver them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

from control_plane.domain.alerting.alerting import IncidentFacts, MonitorFacts, NoticeBody, notice_body
from control_plane.domain.tenants.plan import NO_LIMITS
from control_plane.notify import transports
from control_plane.sealing import Sealer
from control_plane.services.alerting.create_channel import create_channel
from control_plane.services.alerting.deliver_notifications import Deliverer
from control_plane.services.installation.identity import new_id
from control_plane.settings import DeliverySettings, Settings
from control_plane.store import decisions, deliveries
from control_plane.store.deliveries import AttemptView, DeliveryRow, DeliveryView
from control_plane.store.pool import Database
from shared.ids import TenantId
from tests.support import seed

SEALER = Sealer({"k1": b"k" * 32})
SETTINGS = DeliverySettings(allow_cidrs=("127.0.0.0/8",), timeout_s=2)
WHOLE = Settings(delivery=SETTINGS)
SECRET = "sixteen letters!"

INSERT_INCIDENT = """
INSERT INTO incidents (tenant_id, id, number, severity, cause, started_at, opened_at)
VALUES ($1, $2, $3, 'major', 'Down from 2 of 3 regions', now(), now())
"""
MINUTE_PASSES = """
UPDATE deliveries
SET due_at = due_at - interval '1 minute', message_at = message_at - interval '1 minute'
WHERE state = 'pending' OR message_at IS NOT NULL
"""
FALL_DUE = "UPDATE deliveries SET due_at = clock_timestamp() WHERE state = 'pending'"
WAITING = "SELECT count(*) FROM deliveries WHERE state = 'pending'"
IN_HOURS = "SELECT extract(epoch FROM due_at - clock_timestamp())::float8 FROM deliveries WHERE id = $1"


class Outbox:
    """One tenant's outbox on a real database."""

    def __init__(self, database: Database, tenant_id: TenantId) -> None:
        self.database = database
        self.tenant_id = tenant_id

    @classmethod
    async def make(cls, database: Database, name: str = "Acme") -> Self:
        async with database.app_transaction() as conn:
            return cls(database, await seed.a_tenant(conn, name))

    async def channel(self, url: str, *, name: str = "Hook", sealer: Sealer = SEALER) -> UUID:
        return await self.channel_of({"type": "webhook", "url": url, "secret": SECRET}, name=name, sealer=sealer)

    async def ntfy_channel(self, url: str, *, name: str = "Phones") -> UUID:
        return await self.channel_of({"type": "ntfy", "topic": "alerts", "server_url": url}, name=name)

    async def channel_of(
        self, config: dict[str, Any], *, name: str, sealer: Sealer = SEALER, settings: Settings = WHOLE
    ) -> UUID:
        """A channel of any kind that a body may name."""
        row, _ = await create_channel(
            self.database,
            sealer=sealer,
            transports=transports(settings),
            tenant_id=self.tenant_id,
            channel_id=new_id(),
            terms=NO_LIMITS,
            name=name,
            config=config,
            enabled=True,
            write_source="api",
        )
        return row.id

    async def owe_words(
        self, channel_id: UUID, incident_ids: Sequence[UUID], notice: str = "opened", *, kind: str = "ntfy"
    ) -> list[UUID]:
        """Notices to a channel that people read, each with the body that an incident's has."""
        async with self.database.app_transaction() as conn:
            last = await decisions.take_numbers(
                conn, tenant_id=self.tenant_id, events=0, incidents=0, deliveries=len(incident_ids)
            )
            first = last.deliveries - len(incident_ids) + 1
            rows = [
                self._in_words(channel_id, incident_id, notice, number=number, kind=kind)
                for number, incident_id in enumerate(incident_ids, first)
            ]
            await deliveries.owe(conn, rows)
        return [row.id for row in rows]

    def _in_words(self, channel_id: UUID, incident_id: UUID, notice: str, *, number: int, kind: str) -> DeliveryRow:
        delivery_id, now = new_id(), datetime.now(UTC)
        incident = IncidentFacts(
            id=incident_id,
            number=number,
            type="down",
            severity="major",
            state="triggered",
            started_at=now,
            resolved_at=None,
            cause="Down from 2 of 3 regions",
            regions_down=("eu",),
            regions_up=(),
        )
        body = NoticeBody(
            event=f"incident.{notice}",
            delivery_id=delivery_id,
            occurred_at=now,
            tenant_id=self.tenant_id,
            monitor=MonitorFacts(id=incident_id, number=number, name=f"API {number}", kind="http"),
            incident=incident,
            reason="Down from 2 of 3 regions",
        )
        return DeliveryRow(
            tenant_id=self.tenant_id,
            id=delivery_id,
            number=number,
            channel_id=channel_id,
            channel_name="Phones",
            channel_kind=kind,
            incident_id=incident_id,
            monitor_id=None,
            event=body.event,
            notice=notice,
            body=notice_body(body),
        )

    async def a_minute_passes(self) -> None:
        """For the deliveries alone: what waits for its time falls due, and what was sent was sent a minute before."""
        await self.execute(MINUTE_PASSES)

    async def incident(self) -> UUID:
        incident_id = new_id()
        async with self.database.app_transaction() as conn:
            numbers = await decisions.take_numbers(conn, tenant_id=self.tenant_id, events=0, incidents=1, deliveries=0)
            await conn.execute(INSERT_INCIDENT, self.tenant_id, incident_id, numbers.incidents)
        return incident_id

    async def owe(self, channel_id: UUID, incident_id: UUID, notice: str = "opened", *, ordinal: int = 0) -> UUID:
        delivery_id = new_id()
        async with self.database.app_transaction() as conn:
            numbers = await decisions.take_numbers(conn, tenant_id=self.tenant_id, events=0, incidents=0, deliveries=1)
            row = DeliveryRow(
                tenant_id=self.tenant_id,
                id=delivery_id,
                number=numbers.deliveries,
                channel_id=channel_id,
                channel_name="Hook",
                channel_kind="webhook",
                incident_id=incident_id,
                monitor_id=None,
                event=f"incident.{notice}",
                notice=notice,
                ordinal=ordinal,
                body=f'{{"delivery_id":"{delivery_id}","notice":"{notice}","ordinal":{ordinal}}}',
            )
            await deliveries.owe(conn, [row])
        return delivery_id

    async def view(self, delivery_id: UUID) -> DeliveryView:
        async with self.database.app() as conn:
            found = await deliveries.delivery(conn, tenant_id=self.tenant_id, delivery_id=delivery_id)
        assert found is not None
        return found[0]

    async def log(self, delivery_id: UUID) -> list[AttemptView]:
        async with self.database.app() as conn:
            return await deliveries.attempts(conn, tenant_id=self.tenant_id, delivery_id=delivery_id)

    async def execute(self, statement: str, *arguments: Any) -> None:
        async with self.database.app() as conn:
            await conn.execute(statement, *arguments)

    async def value(self, statement: str, *arguments: Any) -> Any:
        async with self.database.app() as conn:
            return await conn.fetchval(statement, *arguments)

    async def seconds_to_due(self, delivery_id: UUID) -> float:
        seconds: float = await self.value(IN_HOURS, delivery_id)
        return seconds

    async def fall_due(self) -> None:
        """Let the time until the next attempt pass."""
        await self.execute(FALL_DUE)

    async def fall_due_of(self, deliveries: Sequence[UUID]) -> None:
        """The same for these."""
        await self.execute(f"{FALL_DUE} AND id = ANY($1::uuid[])", list(deliveries))

    async def attempted(self, delivery_id: UUID, count: int, *, deadline_s: float = 10) -> list[AttemptView]:
        """The log, once it has `count` entries."""
        async with asyncio.timeout(deadline_s):
            while len(log := await self.log(delivery_id)) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return log

    async def ended(self, delivery_id: UUID, *, deadline_s: float = 10) -> DeliveryView:
        """The delivery, once it is no longer pending."""
        async with asyncio.timeout(deadline_s):
            while (view := await self.view(delivery_id)).state == "pending":  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return view

    async def emptied(self, *, deadline_s: float = 20) -> None:
        """Return once nothing of any tenant is pending."""
        async with asyncio.timeout(deadline_s):
            while await self.value(WAITING):  # noqa: ASYNC110
                await asyncio.sleep(0.02)


def deliverer(
    database: Database,
    *,
    settings: DeliverySettings = SETTINGS,
    lease_s: float | None = None,
    whole: Settings | None = None,
) -> Deliverer:
    """`whole`: for kinds that need settings beyond those of deliveries."""
    whole = whole or Settings(delivery=settings)
    return Deliverer(
        database,
        sealer=SEALER,
        transports=transports(whole),
        settings=whole.delivery,
        nudge=lambda: None,
        lease=None if lease_s is None else timedelta(seconds=lease_s),
        jitter=lambda: 0.0,
    )


async def look_soon(timeout: float) -> bool:
    """A wake without hints: everything must be right by looking alone."""
    await asyncio.sleep(min(timeout, 0.02))
    return True


@asynccontextmanager
async def working(database: Database, *, workers: int = 1, **over: Any) -> AsyncIterator[None]:
    """Workers side by side, as several processes would have them."""
    tasks = [asyncio.create_task(deliverer(database, **over).run(look_soon)) for _ in range(workers)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for task in tasks:
            assert task.cancelled(), task.exception()
