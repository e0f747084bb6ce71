"""A control plane small enough to misbehave on command: /api/agent/v1 exactly as shared/protocol says it."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import msgspec
from aiohttp import web

from shared.protocol import (
    Assignment,
    Assignments,
    BatchReceipt,
    Dispatch,
    Dispatches,
    Farewell,
    Hello,
    Observations,
    RegionGrant,
    ResultBatch,
    TestOutcomes,
    Welcome,
    digest_term,
)
from shared.results import CheckResult

KEY = "fw_probe_test"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FakeControlPlane:
    """Holds what it was told; the attributes at the top choose how it misbehaves."""

    def __init__(self) -> None:
        self.key = KEY
        self.also_accepts = ""
        self.fail_with: int | None = None
        self.fails_only = ""
        """The end of the paths that fail with `fail_with`; empty: all."""
        self.fails_as_proxy = False
        self.fail_headers: dict[str, str] = {}
        self.spoiled: set[UUID] = set()
        self.swallow_receipts = 0
        self.wrong_digests = 0
        self.clock_shift_ms = 0
        self.page = 5000
        self.paused: str | None = None
        self.agent_id = uuid4()
        self.others: tuple[UUID, ...] = ()
        self.region = RegionGrant(id="lo", name="Loopback", private=True, allow_cidrs=("127.0.0.0/8", "::1/128"))
        self.assignments: dict[UUID, Assignment] = {}
        self.stored: dict[tuple[UUID, int], CheckResult] = {}
        self.acknowledged: set[tuple[UUID, int]] = set()
        self.duplicates = 0
        self.hellos: list[Hello] = []
        self.observations: list[Observations] = []
        self.tests: list[CheckResult] = []
        self.requests: list[str] = []
        self.unchanged = 0
        self.goodbyes = 0
        self.slow_handovers = 0
        """How many goodbyes go by before the others have taken over."""
        self._removed: list[tuple[int, UUID]] = []
        self._changed_at: dict[UUID, int] = {}
        self._change = 1
        self._dispatches: asyncio.Queue[tuple[Dispatch, ...]] = asyncio.Queue()

    # -- what tests do

    def assign(self, assignment: Assignment) -> None:
        self._change += 1
        self.assignments[assignment.monitor_id] = assignment
        self._changed_at[assignment.monitor_id] = self._change
        self._dispatches.put_nowait(())

    def unassign(self, monitor_id: UUID) -> None:
        self._change += 1
        del self.assignments[monitor_id]
        self._removed.append((self._change, monitor_id))
        self._dispatches.put_nowait(())

    def dispatch(self, *dispatches: Dispatch) -> None:
        """Hand these out in one answer."""
        self._dispatches.put_nowait(dispatches)

    def now_ms(self) -> int:
        return int(time.time() * 1000) + self.clock_shift_ms

    # -- the door

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[str]:
        app = web.Application(middlewares=[self._guard])
        app.add_routes(
            [
                web.post("/api/agent/v1/hello", self._hello),
                web.get("/api/agent/v1/assignments", self._assignments),
                web.get("/api/agent/v1/dispatch", self._dispatch),
                web.post("/api/agent/v1/results", self._results),
                web.post("/api/agent/v1/dispatch/results", self._test_results),
                web.post("/api/agent/v1/observations", self._observations),
                web.post("/api/agent/v1/goodbye", self._goodbye),
            ]
        )
        runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path}")
        if self.fail_with is not None and request.path.endswith(self.fails_only):
            return self._failure(self.fail_with)
        if request.headers.get("Authorization") not in (f"Bearer {self.key}", f"Bearer {self.also_accepts}"):
            return web.json_response({"error": {"code": "UNAUTHENTICATED", "message": "unknown key"}}, status=401)
        return await handler(request)

    def _failure(self, status: int) -> web.Response:
        if self.fails_as_proxy:
            page = "<html><h1>Not now</h1></html>"
            return web.Response(status=status, text=page, content_type="text/html", headers=self.fail_headers)
        envelope = {"error": {"code": "X", "message": "as told"}}
        return web.json_response(envelope, status=status, headers=self.fail_headers)

    async def _hello(self, request: web.Request) -> web.Response:
        self.hellos.append(msgspec.json.decode(await request.read(), type=Hello))
        return self._json(
            Welcome(
                agent_id=self.agent_id,
                agent_name="a1",
                region=self.region,
                protocol=1,
                server_time=self.now_ms(),
                poll_s=1,
            )
        )

    async def _assignments(self, request: web.Request) -> web.Response:
        cursor = request.query["cursor"]
        answer = self._paused_answer() if self.paused else self._answer(cursor)
        etag = f'"{hash((answer.cursor, answer.digest, answer.agents, answer.paused, answer.more, answer.region))}"'
        headers = {"ETag": etag, "X-Farwatch-Time-Ms": str(self.now_ms())}
        if request.headers.get("If-None-Match") == etag:
            self.unchanged += 1
            return web.Response(status=304, headers=headers)
        return self._json(answer, headers)

    def _paused_answer(self) -> Assignments:
        return Assignments(
            self.now_ms(), "", self._agents(), digest="0" * 16, snapshot=True, paused=self.paused, region=self.region
        )

    def _answer(self, cursor: str) -> Assignments:
        kind, _, rest = cursor.partition(".")
        if kind == "s":
            since = int(rest)
            return Assignments(
                self.now_ms(),
                f"s.{self._change}",
                self._agents(),
                digest=self._digest(),
                region=self.region,
                upserts=tuple(each for key, each in self.assignments.items() if self._changed_at[key] > since),
                removes=tuple(key for change, key in self._removed if change > since),
            )
        offset = int(rest) if kind == "w" else 0
        everything = [self.assignments[key] for key in sorted(self.assignments)]
        page, more = everything[offset : offset + self.page], offset + self.page < len(everything)
        return Assignments(
            self.now_ms(),
            f"w.{offset + self.page}" if more else f"s.{self._change}",
            self._agents(),
            digest=None if more else self._digest(),
            snapshot=kind != "w",
            more=more,
            region=self.region,
            upserts=tuple(page),
        )

    def _agents(self) -> tuple[UUID, ...]:
        return tuple(sorted((self.agent_id, *self.others)))

    def _digest(self) -> str:
        if self.wrong_digests:
            self.wrong_digests -= 1
            return "f" * 16
        return f"{sum(digest_term(key, each.revision) for key, each in self.assignments.items()) % 2**64:016x}"

    async def _dispatch(self, request: web.Request) -> web.Response:
        try:
            items = await asyncio.wait_for(self._dispatches.get(), float(request.query["wait"]))
        except TimeoutError:
            return self._json(Dispatches(self.now_ms()))
        return self._json(Dispatches(self.now_ms(), items=items, assignments_changed=not items))

    async def _results(self, request: web.Request) -> web.Response:
        body = await request.read()  # aiohttp has unpacked gzip
        batch = msgspec.json.decode(body if body[:1] == b"{" else gzip.decompress(body), type=ResultBatch)
        if any(item.monitor_id in self.spoiled for item in batch.items):
            return self._failure(400)
        statuses = tuple(map(self._store, batch.items))
        if self.swallow_receipts:
            self.swallow_receipts -= 1
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        self.acknowledged |= {(item.monitor_id, item.slot) for item in batch.items}
        return self._json(BatchReceipt(self.now_ms(), statuses))

    def _store(self, item: CheckResult) -> str:
        natural = (item.monitor_id, item.slot)
        if natural in self.stored:
            self.duplicates += 1
            return "duplicate"
        self.stored[natural] = item
        return "stored"

    async def _test_results(self, request: web.Request) -> web.Response:
        outcomes = msgspec.json.decode(await request.read(), type=TestOutcomes)
        self.tests += [item.result for item in outcomes.items]
        return self._json(BatchReceipt(self.now_ms(), tuple("stored" for _ in outcomes.items)))

    async def _observations(self, request: web.Request) -> web.Response:
        self.observations.append(msgspec.json.decode(await request.read(), type=Observations))
        return web.Response(status=204)

    async def _goodbye(self, _request: web.Request) -> web.Response:
        self.goodbyes += 1
        return self._json(Farewell(self.now_ms(), handed_over=self.goodbyes > self.slow_handovers))

    def _json(self, value: object, headers: dict[str, str] | None = None) -> web.Response:
        return web.Response(body=msgspec.json.encode(value), content_type="application/json", headers=headers)
