"""How fast a tenant and each of its callers may ask: token buckets in the memory of this process.

A bucket holds a minute's worth and fills evenly. The limit is divided by the number of live processes, so that the
installation as a whole keeps to it without asking the database (docs/adr/0028). A bucket is one number, the instant at
which it will be full again (the generic cell rate algorithm, ITU-T I.371 annex A, with a tolerance of one minute).
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import NamedTuple
from uuid import UUID

from aiohttp import web
from msgspec import Struct

from control_plane.domain.tenants.plan import Category, PlanTerms, Rate
from control_plane.errors import TooMany
from control_plane.web.caller import TenantCaller

WINDOW_S = 60.0
"""Limits are requests in so many seconds, and as many may come at once."""

_MAX_BUCKETS = 100_000
"""At ~150 bytes each. The one longest unused is forgotten, which is to say full."""

_TOLD: web.RequestKey[tuple[Told, ...]] = web.RequestKey("rate_limits", tuple)
_NO_RATE = Rate()
_ROUNDING = 1e-6


class Told(Struct, frozen=True):
    """One bucket after a request: the limit of the whole installation, what this process still gives at once, and the
    seconds until the bucket is full again.
    """

    policy: str
    limit: int
    remaining: int
    reset_s: int


Key = tuple[UUID, Category]
"""Whose bucket, for what."""


class _Asked(NamedTuple):
    key: Key
    scope: str
    limit: int
    full_at: float
    """When the bucket would be full again after this request."""


class Taken(Struct, frozen=True):
    """What came of a request: each bucket that it counts in, and why it has to wait if it has to."""

    told: tuple[Told, ...] = ()
    refusal: TooMany | None = None


NOTHING = Taken()
"""Where no limit holds."""


class RateLimits:
    """The buckets of this process. `defaults` hold for categories that a plan says nothing about."""

    def __init__(
        self, defaults: Mapping[str, int | None] | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._defaults = {category: Rate(limit, limit) for category, limit in (defaults or {}).items()}
        self._clock = clock
        self._processes = 1
        self._full_at: OrderedDict[Key, float] = OrderedDict()

    def share(self, processes: int) -> None:
        """So many processes serve now, this one among them."""
        self._processes = max(1, processes)

    def take(self, terms: PlanTerms, category: Category, *, tenant_id: UUID, caller_id: UUID) -> Taken:
        """Count one request, or say when to come back; a refused request counts in no bucket."""
        rate = terms.rates.get(category) or self._defaults.get(category, _NO_RATE)
        if rate.tenant is None and rate.caller is None:
            return NOTHING
        now = self._clock()
        parts = ((tenant_id, "tenant", rate.tenant), (caller_id, "caller", rate.caller))
        asked = [
            _Asked((id_, category), scope, limit, self._after((id_, category), limit, now))
            for id_, scope, limit in parts
            if limit is not None
        ]
        over = next((each for each in asked if self._wait_s(each, now) > _ROUNDING), None)
        if over is None:
            for each in asked:
                self._put(each.key, each.full_at)
            return Taken(tuple(self._told(each, each.full_at - now) for each in asked))
        untaken = tuple(self._told(each, each.full_at - self._step_s(each.limit) - now) for each in asked)
        return Taken(untaken, _too_many(over.scope, category, over.limit, self._wait_s(over, now)))

    def _wait_s(self, asked: _Asked, now: float) -> float:
        """How long until the bucket has a token; not above nought: it has."""
        return asked.full_at - now - self._tolerance_s(asked.limit)

    def _after(self, key: Key, limit: int, now: float) -> float:
        """When the bucket would be full again after one more request."""
        return max(now, self._full_at.get(key, now)) + self._step_s(limit)

    def _step_s(self, limit: int) -> float:
        """Seconds in which one token comes back."""
        return WINDOW_S * self._processes / limit

    def _tolerance_s(self, limit: int) -> float:
        """How far from full a bucket may be. One token there always is, however many processes share the limit."""
        return max(WINDOW_S, self._step_s(limit))

    def _told(self, asked: _Asked, reset_s: float) -> Told:
        remaining = math.floor((self._tolerance_s(asked.limit) - reset_s) / self._step_s(asked.limit) + _ROUNDING)
        return Told(f"{asked.scope}-{asked.key[1]}", asked.limit, max(0, remaining), math.ceil(reset_s - _ROUNDING))

    def _put(self, key: Key, full_at: float) -> None:
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        if len(self._full_at) > _MAX_BUCKETS:
            self._full_at.popitem(last=False)


def count(request: web.Request, limits: RateLimits, caller: TenantCaller, category: Category) -> None:
    """Count a request of the caller's. Raises TooMany RATE_LIMITED. The answer carries what is left, either way."""
    taken = limits.take(caller.terms, category, tenant_id=caller.tenant_id, caller_id=caller.id)
    request[_TOLD] = taken.told
    if taken.refusal is not None:
        raise taken.refusal


def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """`RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10) and the older trio, which tells of
    the bucket that is nearest its end. Nothing where no limit holds.
    """
    told = request.get(_TOLD)
    if not told:
        return
    headers = response.headers
    headers["RateLimit-Policy"] = ", ".join(f'"{each.policy}";q={each.limit};w={WINDOW_S:.0f}' for each in told)
    headers["RateLimit"] = ", ".join(f'"{each.policy}";r={each.remaining};t={each.reset_s}' for each in told)
    least = min(told, key=lambda each: each.remaining)
    headers["X-RateLimit-Limit"] = str(least.limit)
    headers["X-RateLimit-Remaining"] = str(least.remaining)
    headers["X-RateLimit-Reset"] = str(math.ceil(time.time()) + least.reset_s)


def tell_failures(request: web.Request, *, limit: int, wait_s: int) -> None:
    """Have the refusal tell of failed authentications: `limit` a minute of one address, none for `wait_s` seconds."""
    request[_TOLD] = (Told(policy="failed-authentications", limit=limit, remaining=0, reset_s=wait_s),)


def _too_many(scope: str, category: str, limit: int, wait_s: float) -> TooMany:
    retry_after_s = max(1, math.ceil(wait_s - _ROUNDING))
    whose = "your tenant" if scope == "tenant" else "this caller"
    return TooMany(
        f"{category} of {whose} are limited to {limit} a minute: go on in {retry_after_s} s, or ask for a larger plan",
        retry_after_s=retry_after_s,
        details={"scope": scope, "category": category, "limit": limit, "window_s": int(WINDOW_S)},
    )
