"""Published pages as this process last read them: one reading for all who ask at once, and a copy for bad times.

Readers come in crowds exactly when something is wrong. So a page is read at most once in FRESH_S seconds however many
ask for it, and while the database is away the last good copy is handed out with how old it is. Copies are kept in
memory only: a process that starts without a database has none.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from control_plane.domain.pages.public_page import PublicPage
from control_plane.errors import Unavailable
from control_plane.services.pages.read_public_page import page_gate, page_gate_of_domain, read_faced_page
from control_plane.services.uptime.read_availability import Horizon
from control_plane.store.page_reads import PageFace
from control_plane.store.pool import Database

FRESH_S = 3.0
PATIENCE_S = 0.6
"""How long somebody waits for a new reading where there is a copy."""
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

    @property
    def face(self) -> PageFace:
        return self.kept.face

    @property
    def page(self) -> PublicPage:
        return self.kept.page


@dataclass
class PublicPages:
    """The pages of this process. `clock` gives monotonic seconds."""

    clock: Callable[[], float] = time.monotonic
    password_turns: asyncio.Semaphore = field(default_factory=partial(asyncio.Semaphore, PASSWORDS_AT_ONCE))
    _kept: OrderedDict[str, KeptPage] = field(default_factory=OrderedDict)
    _reading: dict[str, asyncio.Task[KeptPage | None]] = field(default_factory=dict)
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
        reading = self._reading.get(slug) or self._begin(database, slug, horizon)
        try:
            async with asyncio.timeout(PATIENCE_S if known is not None else None):
                found = await asyncio.shield(reading)
        except (Unavailable, TimeoutError) as error:
            if known is None:
                raise
            return self._old(known, failed=isinstance(error, Unavailable))
        return None if found is None else Copy(found)

    async def slug_of_domain(self, database: Database, domain: str) -> str | None:
        """The slug of the page that this host name reaches. While the database is away: as it was last known.

        Raises Unavailable where that is not known: a page's own domain must not show another page instead.
        """
        slug, until = self._domains.get(domain, (None, None))
        if until is not None and self.clock() < until:
            return slug
        try:
            async with asyncio.timeout(PATIENCE_S if until is not None else None):
                face = await page_gate_of_domain(database, domain)
        except (Unavailable, TimeoutError):
            if until is None:
                raise
            return slug
        slug = None if face is None else face.slug
        _put(self._domains, domain, (slug, self.clock() + DOMAIN_GOOD_S), most=MOST_DOMAINS)
        return slug

    def forget_domains(self, _hint: str = "") -> None:
        """Ask anew which page each host name leads to: a domain, or its proof, has changed."""
        self._domains.clear()

    async def part(self, copy: Copy, key: Hashable, read: Callable[[], Awaitable[Any]]) -> Any:
        """Something else of the page, kept beside it: as fresh as the page, and as long as it when that cannot be read.

        Raises Unavailable where it was never read.
        """
        value, at = copy.kept.parts.get(key, (None, None))
        if at is not None and self.clock() - at < FRESH_S:
            return value
        try:
            async with asyncio.timeout(PATIENCE_S if at is not None else None):
                value = await read()
        except (Unavailable, TimeoutError):
            if at is None:
                raise
            return value
        _put(copy.kept.parts, key, (value, self.clock()), most=MOST_PARTS)
        return value

    def _old(self, known: KeptPage, *, failed: bool) -> Copy:
        age = self.clock() - known.at
        if not failed and age < OLD_S:
            return Copy(known)
        return Copy(known, known.page.as_of, int(age))

    def _begin(self, database: Database, slug: str, horizon: Horizon) -> asyncio.Task[KeptPage | None]:
        task = asyncio.create_task(self._read(database, slug, horizon), name=f"status page {slug}")
        self._reading[slug] = task
        task.add_done_callback(lambda ended: self._ended(slug, ended))
        return task

    def _ended(self, slug: str, ended: asyncio.Task[KeptPage | None]) -> None:
        self._reading.pop(slug, None)
        if not ended.cancelled():
            ended.exception()  # everybody who waited was told; perhaps nobody did

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
