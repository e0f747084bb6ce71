"""What an agent's main process and its workers say to each other: frames of MessagePack on a socket pair.

Both ends are the same version, started together; nothing here is part of the protocol with the control plane.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
from msgspec import Struct

from agent.settings import AgentSettings
from agent.work import WorkStats
from shared.protocol import Assignment, Dispatch, RegionGrant
from shared.results import CheckResult

_LENGTH = 4


class Start(Struct, frozen=True, tag=True):
    """First of all. `base_ms`: see ServerClock."""

    settings: AgentSettings
    me: UUID
    grant: RegionGrant
    base_ms: float
    concurrency: int
    number: int


class Put(Struct, frozen=True, tag=True):
    assignments: tuple[Assignment, ...]


class Remove(Struct, frozen=True, tag=True):
    monitor_ids: tuple[UUID, ...]


class ShareAmong(Struct, frozen=True, tag=True):
    agents: tuple[UUID, ...]
    me: UUID


class Pause(Struct, frozen=True, tag=True):
    reason: str | None


class Grant(Struct, frozen=True, tag=True):
    grant: RegionGrant


class Clock(Struct, frozen=True, tag=True):
    base_ms: float
    is_set_back: bool = False


class Send(Struct, frozen=True, tag=True):
    dispatch: Dispatch


class Drain(Struct, frozen=True, tag=True):
    """Let what is under way end, for so long at most, then say Drained."""

    seconds: float


Order = Start | Put | Remove | ShareAmong | Pause | Grant | Clock | Send | Drain


class Ran(Struct, frozen=True, tag=True):
    """Encoded results."""

    items: tuple[bytes, ...]
    urgent: bool


class Tested(Struct, frozen=True, tag=True):
    dispatch: Dispatch
    result: CheckResult


class Report(Struct, frozen=True, tag=True):
    """Every second, and when health changes. `counts`: checks that ended since the last report."""

    stats: WorkStats
    health_reason: str | None
    counts: tuple[tuple[str, str, int], ...] = ()


class Drained(Struct, frozen=True, tag=True):
    pass


News = Ran | Tested | Report | Drained

_encoder = msgspec.msgpack.Encoder()
_orders = msgspec.msgpack.Decoder(Order)
_news = msgspec.msgpack.Decoder(News)


def write(writer: asyncio.StreamWriter, message: Order | News) -> None:
    data = _encoder.encode(message)
    writer.write(len(data).to_bytes(_LENGTH, "big") + data)


async def orders(reader: asyncio.StreamReader) -> AsyncIterator[Order]:
    """Until the main process is gone."""
    while (data := await _frame(reader)) is not None:
        yield _orders.decode(data)


async def news(reader: asyncio.StreamReader) -> AsyncIterator[News]:
    """Until the worker is gone."""
    while (data := await _frame(reader)) is not None:
        yield _news.decode(data)


async def _frame(reader: asyncio.StreamReader) -> bytes | None:
    try:
        size = int.from_bytes(await reader.readexactly(_LENGTH), "big")
        return await reader.readexactly(size)
    except (asyncio.IncompleteReadError, OSError):
        return None
