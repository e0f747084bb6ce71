"""Wires the agent and keeps it alive: greets the control plane, runs a session, and starts another when it must."""

from __future__ import annotations

import asyncio
import fcntl
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import structlog

from agent.checks import CHECKS
from agent.dialer import Family
from agent.dns.resolver import Server
from agent.health.capabilities import capabilities
from agent.health.lag import LagMeter
from agent.health.vouching import make_self_test
from agent.link import state_file
from agent.link.client import Client, NotAccepted, Refused, Unreachable
from agent.link.key_watch import LOOK_S, KeyWatch
from agent.link.server_clock import ServerClock
from agent.session import RETRY_REFUSED_S, STATE, Session
from agent.settings import AgentSettings
from agent.shipping.spool import Spool
from agent.tally import Tally
from agent.tls.contexts import TlsContexts
from agent.versions import agent_version
from shared.backoff import exponential
from shared.protocol import ANY_KIND, PROTOCOL_VERSION, Assignment, Hello, Welcome

if TYPE_CHECKING:
    from agent.local_door.door import LocalDoor

log = structlog.get_logger()

Known = tuple[state_file.Known, list[Assignment]]

_BASE_WAIT, _LONGEST_WAIT = timedelta(seconds=0.5), timedelta(seconds=15)


def make_client(settings: AgentSettings, key: Callable[[], str] | None = None) -> Client:
    """Raises SettingsError for an authority file or a proxy that cannot be used."""
    return Client(
        url=settings.url,
        key=key or (lambda: settings.key),
        ca_file=settings.ca_file,
        version=agent_version(),
        proxy=settings.proxy,
    )


def make_hello(boot_id: UUID, *, family: Family = "any") -> Hello:
    """`family`: the address family that this agent is told to use."""
    return Hello(
        version=agent_version(),
        protocols=(PROTOCOL_VERSION,),
        boot_id=boot_id,
        capabilities=(ANY_KIND, *capabilities(CHECKS, family=family)),
    )


class App:
    """One agent process. `reload_key` gives the key as it stands now, or None when it cannot be read at the moment.

    Raises SettingsError.
    """

    def __init__(
        self,
        settings: AgentSettings,
        *,
        reload_key: Callable[[], str | None] | None = None,
        retry_refused_s: float = RETRY_REFUSED_S,
        look_at_key_s: float = LOOK_S,
    ) -> None:
        self.session: Session | None = None
        self.tally = Tally()
        self._settings = settings
        self._key = settings.key
        self._keys = KeyWatch(reload_key or (lambda: None), settings.key, every_s=look_at_key_s)
        self._retry_refused_s = retry_refused_s
        self._client = make_client(settings, lambda: self._key)
        self._clock = ServerClock()
        self._lag = LagMeter()
        self._tls = TlsContexts(ca_file=settings.ca_file)
        self._boot_id = uuid4()
        self._heard: dict[Server, float] = {}
        self._self_test = make_self_test(settings, lag=self._lag, tally=self.tally, heard=self._heard)
        self._door = _local_door(self, settings)

    async def run(self) -> None:
        """Until cancelled. Raises Refused when this agent is refused at its start, OSError for the disk."""
        self._settings.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _only_agent_of(self._settings.directory):
            await self._run()

    async def _run(self) -> None:
        if self._door is not None:
            self._door.open()
        self._lag.start()
        watch = asyncio.create_task(self._keys.run())
        known = state_file.load(self._settings.directory / STATE)
        if known is not None and known[0].url != self._client.url:
            known = None
        try:
            welcome = await self._first_welcome(known)
            while True:
                welcome = await self._run_session(welcome, known)
                known = None
        finally:
            watch.cancel()
            self._lag.stop()
            if self._door is not None:
                self._door.close()
            await self._client.close()

    async def _first_welcome(self, known: Known | None) -> Welcome | None:
        """The server's welcome; None when it is away and an earlier one is known."""
        attempt = 0
        while True:
            try:
                return await self._greet()
            except (Unreachable, NotAccepted) as error:
                attempt += 1
                log.warning("the control plane does not welcome this agent yet", error=str(error), attempt=attempt)
            if known is not None:
                return None
            await _pause(attempt)

    async def _greet(self) -> Welcome:
        """Greet with the key as it stands now; only when it is accepted it counts for everything else."""
        key = await self._keys.look()
        self._keys.changed.clear()
        welcome = await self._client.hello(make_hello(self._boot_id, family=self._settings.ip), key=key)
        if key != self._key:
            log.info("the probe key has changed")
        self._key = key
        return welcome

    @property
    def unhealthy_because(self) -> str | None:
        """Why this agent cannot judge; None while it can."""
        return None if self.session is None else self.session.health_reason

    def look_at_key(self) -> None:
        """The key may have changed: look now."""
        self._keys.look_now()

    async def leave(self) -> None:
        """Hand over and let checks end, within bounds; `run` may be cancelled then."""
        if self.session is not None:
            log.info("leaving")
            await self.session.leave()

    async def _run_session(self, welcome: Welcome | None, known: Known | None) -> Welcome:
        """Work until a welcome comes that differs from this session's; that one is returned."""
        if known is not None and welcome is not None and not _is_same(welcome, known[0].welcome):
            known = None
        chosen = welcome or (known[0].welcome if known is not None else None)
        assert chosen is not None
        spool = await asyncio.to_thread(Spool, self._settings.directory / "spool", limit=self._settings.spool_bytes)
        session = self.session = Session(
            settings=self._settings,
            client=self._client,
            welcome=chosen,
            spool=spool,
            clock=self._clock,
            lag=self._lag,
            self_test=self._self_test,
            tls=self._tls,
            tally=self.tally,
            heard=self._heard,
        )
        log.info("watching", region=chosen.region.id, agent=chosen.agent_name, known=known is not None)
        if known is not None:
            await session.recall(known[0], known[1])
        work = asyncio.create_task(session.run())
        watch = asyncio.create_task(self._watch_welcome(session, is_greeted=welcome is not None))
        try:
            await asyncio.wait((work, watch), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (watch, work):
                task.cancel()
            await asyncio.gather(watch, work, return_exceptions=True)
        if not work.cancelled() and (error := work.exception()) is not None:
            raise error
        return watch.result()

    async def _watch_welcome(self, session: Session, *, is_greeted: bool) -> Welcome:
        """Greet again after a refusal, with another key, or when the start found nobody.

        Returns a welcome that asks for a new session.
        """
        attempt = 0
        while True:
            if is_greeted:
                await self._reason_to_greet(session)
            try:
                welcome = await self._greet()
            except Refused as refused:
                is_greeted = True
                if session.refusal is None and self._keys.latest != self._key:
                    log.error("the new key is refused; the one before stays in use", error=str(refused))
                    continue
                session.refuse(refused)
            except (Unreachable, NotAccepted):
                attempt += 1
                await _pause(attempt)
            else:
                is_greeted, attempt = True, 0
                if not _is_same(welcome, session.welcome):
                    return welcome
                if session.refusal is not None:
                    session.accept()

    async def _reason_to_greet(self, session: Session) -> None:
        """Until the key has changed, or it is time to try a refused one again."""
        changed = asyncio.create_task(self._keys.changed.wait())
        refused = asyncio.create_task(session.refused.wait())
        try:
            await asyncio.wait((changed, refused), return_when=asyncio.FIRST_COMPLETED)
            if not changed.done():
                await asyncio.wait((changed,), timeout=self._retry_refused_s)
        finally:
            changed.cancel()
            refused.cancel()


def _local_door(app: App, settings: AgentSettings) -> LocalDoor | None:
    if settings.metrics_port is None:
        return None
    from agent.local_door.door import LocalDoor  # noqa: PLC0415 (most agents need no server)

    return LocalDoor(app, settings)


@contextmanager
def _only_agent_of(directory: Path) -> Iterator[None]:
    """Two agents must not write to one spool. The lock goes with the process, however that ends."""
    with (directory / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OSError(f"another agent is using {directory}") from None
        yield


def _is_same(a: Welcome, b: Welcome) -> bool:
    return (a.agent_id, a.region, a.protocol) == (b.agent_id, b.region, b.protocol)


async def _pause(attempt: int) -> None:
    wait = exponential(attempt=attempt, base=_BASE_WAIT, cap=_LONGEST_WAIT, jitter=random.random())  # noqa: S311
    await asyncio.sleep(wait.total_seconds())


async def run_until_signal(app: App) -> None:
    """Run until SIGTERM or SIGINT, then leave; a second one ends at once. SIGHUP: the key may have changed.

    Raises what `App.run` raises.
    """
    loop = asyncio.get_running_loop()
    work = asyncio.create_task(app.run())
    leaving: list[asyncio.Task[None]] = []

    def stop() -> None:
        if leaving:
            work.cancel()
        else:
            leaving.append(loop.create_task(_leave(app, work)))

    handlers = {signal.SIGTERM: stop, signal.SIGINT: stop, signal.SIGHUP: app.look_at_key}
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    try:
        await work
    except asyncio.CancelledError:
        log.info("stopped")
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)
        for task in leaving:
            task.cancel()


async def _leave(app: App, work: asyncio.Task[None]) -> None:
    try:
        await app.leave()
    finally:
        work.cancel()
