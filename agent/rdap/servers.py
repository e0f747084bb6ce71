"""Which RDAP server answers for a domain: IANA's bootstrap registry (RFC 9224), fetched when first needed.

It is kept for the process and on disk, so that a restart does not fetch again, and renewed at most daily. An old list
goes on being used while it is renewed and while that fails: servers seldom move. How it is fetched is the caller's.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog
from msgspec import Struct

from agent.classify import CheckFailed, Failure
from agent.rdap.answers import BadAnswer, read_servers, servers_for
from shared.results import Outcome, Reason

log = structlog.get_logger()

BOOTSTRAP_URL = "https://data.iana.org/rdap/dns.json"

CACHE = "rdap-bootstrap.json"
"""In the state directory: a line with where and when, then the document as it was fetched."""

FRESH_S = 86_400.0
"""How long a list is not fetched again."""

RETRY_S = 60.0
"""Between a fetch that failed and the next: checks of many domains must not become a storm."""

Fetch = Callable[[str], Awaitable[bytes]]
"""Gives the document at a URL, or raises ListUnavailable."""


class ListUnavailable(CheckFailed):
    """There is no list of RDAP servers to look into."""


class _Origin(Struct, frozen=True):
    """The first line of the file."""

    url: str
    fetched_at: float


@dataclass(frozen=True, slots=True)
class _Known:
    servers: Mapping[str, tuple[str, ...]]
    fetched_at: float


class RdapServers:
    """The list of RDAP servers. `now_s`: Unix seconds. Without a `path` nothing is kept on disk."""

    def __init__(
        self, *, url: str = BOOTSTRAP_URL, path: Path | None = None, now_s: Callable[[], float] = time.time
    ) -> None:
        self.url = url
        self._path = path
        self._now_s = now_s
        self._known: _Known | None = None
        self._has_read_disk = False
        self._failure: Failure | None = None
        self._failed_at = float("-inf")
        self._renewal: asyncio.Task[None] | None = None

    async def find(self, domain: str, *, fetch: Fetch) -> tuple[str, ...]:
        """Base URLs of the servers for `domain`, https first; empty when none is listed. Raises ListUnavailable.

        Waits for a fetch only where nothing is known, or where an old list does not have the domain. The fetch is
        shared by all who wait, and goes on when one of them gives up.
        """
        self._read_disk_once()
        if self._known is None or not self._is_recent(self._known.fetched_at, FRESH_S):
            self._renew(fetch)
        found = () if self._known is None else servers_for(domain, self._known.servers)
        if not found and self._renewal is not None:
            await asyncio.shield(self._renewal)
        if self._known is None:
            assert self._failure is not None
            raise ListUnavailable(self._failure)
        return found or servers_for(domain, self._known.servers)

    def _is_recent(self, moment: float, within: float) -> bool:
        """Also false for a moment in the future: the clock was set back since."""
        return 0 <= self._now_s() - moment < within

    def _renew(self, fetch: Fetch) -> None:
        if self._renewal is None and not self._is_recent(self._failed_at, RETRY_S):
            self._renewal = asyncio.create_task(self._fetch(fetch))

    async def _fetch(self, fetch: Fetch) -> None:
        try:
            document = await fetch(self.url)
            self._known = _Known(read_servers(document), self._now_s())
        except BadAnswer as error:
            message = f"The list of RDAP servers at {self.url} {error}"
            self._fail(Failure(Outcome.ERROR, Reason.UPSTREAM, message))
        except ListUnavailable as error:
            self._fail(error.failure)
        else:
            await asyncio.to_thread(self._save, document, self._known.fetched_at)
        finally:
            self._renewal = None

    def _fail(self, failure: Failure) -> None:
        self._failure, self._failed_at = failure, self._now_s()
        log.warning(
            "the list of RDAP servers cannot be renewed", error=failure.message, has_old=self._known is not None
        )

    # -- the disk

    def _read_disk_once(self) -> None:
        """In the loop's thread: it takes a millisecond, once, and two checks must not race for it."""
        if self._path is None or self._has_read_disk:
            return
        self._has_read_disk = True
        try:
            line, _, document = self._path.read_bytes().partition(b"\n")
            origin = msgspec.json.decode(line, type=_Origin)
            servers = read_servers(document)
        except (OSError, msgspec.MsgspecError, BadAnswer):
            return  # not there, or of no use: it is fetched
        if origin.url == self.url:
            self._known = _Known(servers, origin.fetched_at)

    def _save(self, document: bytes, fetched_at: float) -> None:
        """Replace the file at once, or leave it. A disk that refuses costs one fetch after the next start.

        Where there is no directory for it, as before an agent's first start, none is made.
        """
        if self._path is None or not self._path.parent.is_dir():
            return
        temporary = self._path.with_suffix(f".{os.getpid()}.tmp")  # an agent's workers share the file
        try:
            temporary.write_bytes(msgspec.json.encode(_Origin(self.url, fetched_at)) + b"\n" + document)
            os.replace(temporary, self._path)
        except OSError as error:
            log.warning("the list of RDAP servers is not kept on disk", error=str(error))
