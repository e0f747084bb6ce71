"""Published pages as this process last read them: one reading for all who ask at once, and a copy for bad times.

Readers come in crowds exactly when something is wrong. So a page is read at most once in FRESH_S seconds however many
ask for it, and while the database is away, or hangs, the last good copy is handed out with how old it is. Copies are
kept in memory only: a process that starts without a database has none.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

import msgspec

from control_plane.domain.pages.public_page import PublicPage
from control_plane.errors import Unavailable
from control_plane.services.pages.patience import FIRST_S, PATIENCE_S, SHORT_S, Late, in_time, seen
from control_plane.services.pages.read_public_page import page_gate, page_gate_of_domain, read_faced_page
from control_plane.services.uptime.read_availability import Horizon
from control_plane.store.page_reads import PageFace
from control_plane.store.pool import Database

FRESH_S = 3.0
OLD_S = 30.0
"""A copy of that age says how old it is, even if nothing failed."""
MOST_PAGES = 500
MOST_PARTS = 100
"""Months and single incidents kept beside a page."""
DOMAIN_GOOD_S = 10.0
MOST_DOMAINS = 2000
PASSWORDS_AT_ONCE = 2


class KeptPage:
    """A page as it was read. `rendered` is what was made of it so far; `parts` is what was read beside it."""

    def __init__(self, face: PageFace, page: PublicPage, *, version: str, at: float) -> None:
        self.face = face
        self.page = page
        self.version = version
        """A digest of what is shown, instants to the minute."""
        self.at = at
        self.rendered: OrderedDict[Hashable, Any] = OrderedDict()
        self.parts: OrderedDict[Hashable, tuple[Any, float]] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Copy:
    """A kept page. `stale_since` is the instant that it shows, when that is not the present one."""

    kept: KeptPage
    stale_since: datetime | None = None
    age_s: int = 0
    late: bool = False
    """Whether a newer one was waited for in vain."""

    @property
    def face(self) -> PageFace:
        return self.kept.face

    @property
    def page(self) -> PublicPage:
        return self.kept.page


class _Reading(NamedTuple):
    task: asyncio.Task[Any]
    begun: float


@dataclass
class PublicPages:
    """The pages of this process. `clock` gives monotonic seconds."""

    clock: Callable[[], float] = time.monotonic
    password_turns: asyncio.Semaphore = field(default_factory=partial(asyncio.Semaphore, PASSWORDS_AT_ONCE))
    _kept: OrderedDict[str, KeptPage] = field(default_factory=OrderedDict)
    _reading: dict[Hashable, _Reading] = field(default_factory=dict)
    _domains: OrderedDict[str, tuple[str | None, float | None]] = field(default_factory=OrderedDict)

    @property
    def kept(self) -> tuple[str, ...]:
        """The slugs of the pages of which there is a copy."""
        return tuple(self._kept)

    async def get(self, database: Database, slug: str, *, horizon: Horizon) -> Copy | None:
        """The page; None where there is none. Raises Unavailable while the database is away and there is no copy."""
        known = self._kept.get(slug)
        if known is not None and self.clock() - known.at < FRESH_S:
            return Copy(known)
        read = partial(self._read, database, slug, horizon)
        try:
            found: KeptPage | None = await self._once(("page", slug), read, PATIENCE_S if known else FIRST_S)
        except Unavailable as error:
            if known is None:
                raise
            return self._old(known, error)
        return None if found is None else Copy(found)

    async def slug_of_domain(self, database: Database, domain: str) -> str | None:
        """The slug of the page that this host name reaches. While the database is away: as it was last known.

        Raises Unavailable where that is not known: a page's own domain must not show another page instead.
        """
        slug, until = self._domains.get(domain, (None, None))
        if until is not None and self.clock() < until:
            return slug
        read = partial(self._read_domain, database, domain)
        try:
            slug = await self._once(("domain", domain), read, FIRST_S if until is None else SHORT_S)
        except Unavailable:
            if until is None:
                raise
        return slug

    async def _read_domain(self, database: Database, domain: str) -> str | None:
        domains = self._domains
        face = await page_gate_of_domain(database, domain)
        slug = None if face is None else face.slug
        _put(domains, domain, (slug, self.clock() + DOMAIN_GOOD_S), most=MOST_DOMAINS)
        return slug

    def forget_domains(self, _hint: str = "") -> None:
        """Ask anew which page each host name leads to: a domain, or its proof, has changed."""
        self._domains = OrderedDict()  # what is being read now goes into the former
        for key in [key for key in self._reading if isinstance(key, tuple) and key[0] == "domain"]:
            del self._reading[key]

    async def part(self, copy: Copy, key: Hashable, read: Callable[[], Awaitable[Any]]) -> tuple[Any, Copy]:
        """Something else of the page, kept beside it: as fresh as the page, and as long as it when that cannot be read.

        With it the copy again, which is as old as what is older of the two. Raises Unavailable where it was never read.
        """
        value, at = copy.kept.parts.get(key, (None, None))
        if at is not None and self.clock() - at < FRESH_S:
            return value, copy
        patience_s = FIRST_S if at is None else 0.0 if copy.late else PATIENCE_S  # one wait is enough for everything
        read_and_keep = partial(self._read_part, copy.kept, key, read)
        try:
            return await self._once(("part", copy.face.id, key), read_and_keep, patience_s), copy
        except Unavailable as error:
            if at is None:
                raise
            return value, self._older(copy, at, error)

    async def _read_part(self, kept: KeptPage, key: Hashable, read: Callable[[], Awaitable[Any]]) -> Any:
        value = await read()
        _put(kept.parts, key, (value, self.clock()), most=MOST_PARTS)
        return value

    def _old(self, known: KeptPage, error: Unavailable) -> Copy:
        age = self.clock() - known.at
        if isinstance(error, Late) and age < OLD_S:
            return Copy(known, late=True)
        return Copy(known, known.page.as_of, int(age), late=True)

    def _older(self, copy: Copy, at: float, error: Unavailable) -> Copy:
        """The copy with a part that was read at `at`."""
        age = self.clock() - at
        if age <= copy.age_s or (isinstance(error, Late) and age < OLD_S):
            return copy
        before = timedelta(seconds=max(0.0, copy.kept.at - at))
        return Copy(copy.kept, copy.page.as_of - before, int(age), late=True)

    async def _once(self, key: Hashable, read: Callable[[], Awaitable[Any]], patience_s: float) -> Any:
        """What `read` gives, which is one reading for all who ask at once: their patience counts from its beginning.

        Raises Late, and what it raises; Unavailable where it has taken longer than a first reading may.
        """
        reading = self._reading.get(key) or self._begin(key, read)
        waited_s = self.clock() - reading.begun
        try:
            return await in_time(reading.task, seconds=patience_s - waited_s)
        except Late:
            if waited_s >= FIRST_S:
                raise Unavailable("The database is away. Try again shortly.") from None
            raise

    def _begin(self, key: Hashable, read: Callable[[], Awaitable[Any]]) -> _Reading:
        task = asyncio.create_task(_made(read), name=f"public reading of {key}")
        reading = self._reading[key] = _Reading(task, self.clock())
        task.add_done_callback(lambda ended: self._ended(key, ended))
        return reading

    def _ended(self, key: Hashable, ended: asyncio.Task[Any]) -> None:
        reading = self._reading.get(key)
        if reading is not None and reading.task is ended:
            del self._reading[key]
        seen(ended)

    async def _read(self, database: Database, slug: str, horizon: Horizon) -> KeptPage | None:
        face = await page_gate(database, slug)
        if face is None:
            self._kept.pop(slug, None)
            return None
        page = await read_faced_page(database, face, horizon=horizon)
        fresh = KeptPage(face, page, version=_version(face, page), at=self.clock())
        before = self._kept.get(slug)
        if before is not None and before.face.id == face.id:
            fresh.parts = before.parts
            if before.version == fresh.version:
                fresh.page, fresh.rendered = before.page, before.rendered
        _put(self._kept, slug, fresh, most=MOST_PAGES)
        return fresh


def _version(face: PageFace, page: PublicPage) -> str:
    to_the_minute = msgspec.structs.replace(page, as_of=page.as_of.replace(second=0, microsecond=0))
    told = msgspec.json.encode((face.revision, to_the_minute))
    return hashlib.sha256(told).hexdigest()[:16]


def _put(kept: OrderedDict[Any, Any], key: Hashable, value: object, *, most: int) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > most:
        kept.popitem(last=False)


async def _made(read: Callable[[], Awaitable[Any]]) -> Any:
    return await read()
