"""Apply a configuration file as a job: the job is over in the transaction that applies the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct, structs

from control_plane.domain.configuration.config_file import SECTIONS
from control_plane.errors import Forbidden, Refused
from control_plane.services.configuration.apply_configuration import apply_configuration, made_by
from control_plane.services.configuration.plan_steps import SECRET_MISSING, WRITES, Means, Planned
from control_plane.services.configuration.write_planned import WRITE_SOURCE
from control_plane.store.acting import acting, who_acts
from control_plane.store.pool import Connection, Database
from shared.ids import TenantId


class ApplyRequest(Struct, frozen=True, kw_only=True):
    """What POST /apply asks for, with the scopes of whoever asks."""

    document: Mapping[str, Any]
    prune: bool
    digest: str | None
    scopes: Sequence[str]


class Progress(Protocol):
    """The job, told inside the transaction that does it."""

    async def begin(self, conn: Connection) -> None:
        """Hold it. Raises when it is not ours any more."""

    async def end(self, conn: Connection, result: Any) -> None:
        """All of it is done."""


class _Order(Struct, frozen=True):
    progress: Progress

    async def begin(self, conn: Connection) -> None:
        await self.progress.begin(conn)

    async def end(self, conn: Connection, planned: Planned) -> None:
        await self.progress.end(conn, result_of(planned))


async def apply_as_job(
    database: Database, means: Means, *, asked: ApplyRequest, tenant_id: TenantId, progress: Progress
) -> None:
    """As apply_configuration. Raises what it raises, and Refused SECRET_MISSING where a secret would have to be made:
    nobody would ever be shown it.
    """

    def allow(planned: Planned) -> None:
        refuse_unscoped(planned, asked.scopes)
        _refuse_made(planned)

    actor = who_acts()
    order = _Order(progress)
    with acting(actor and structs.replace(actor, source=WRITE_SOURCE)):
        applied = await apply_configuration(
            database,
            tenant_id=tenant_id,
            document=asked.document,
            means=structs.replace(means, prune=asked.prune),
            allow=allow,
            digest=asked.digest,
            order=order,
        )
        if not applied.planned.writes:
            async with database.tenant_transaction(tenant_id) as conn:
                await order.begin(conn)
                await order.end(conn, applied.planned)


def result_of(planned: Planned) -> dict[str, Any]:
    """The plan in numbers, as the job keeps it."""
    counted = Counter[str](step.change.action for step in planned.steps)
    return {"drift": planned.writes, "summary": dict(counted), "digest": planned.digest}


def refuse_unscoped(planned: Planned, scopes: Collection[str]) -> None:
    """What changes needs the right to change it, as if it were changed by itself. Raises Forbidden MISSING_SCOPE."""
    kinds = {step.change.kind for step in planned.steps if step.change.action in WRITES}
    needed = sorted(section.scope for section in SECTIONS.values() if section.kind in kinds)
    for scope in needed:
        if scope not in scopes:
            message = f"This file changes what needs the scope {scope}, which this key lacks: make one that has it"
            raise Forbidden(message, code="MISSING_SCOPE", details={"scope": scope})


def _refuse_made(planned: Planned) -> None:
    for name in made_by(planned):
        message = f"a job keeps no secrets: give the new channel {name} its own, or apply without respond-async"
        pointer = next((s.change.pointer for s in planned.channels if s.change.name == name), None)
        raise Refused(message, code=SECRET_MISSING, field=f"{pointer or ''}/config/secret")
