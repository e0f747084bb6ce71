"""/ping: every way in, and everything that somebody may try there."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from uuid import uuid4

from tests.integration.heartbeats.conftest import Beating
from tests.support.heartbeats import pinged
from tests.support.waiting import until_async

WAYS = (
    ("", "success", None),
    ("/start", "start", None),
    ("/fail", "fail", None),
    ("/log", "log", None),
    ("/0", "success", 0),
    ("/1", "fail", 1),
    ("/255", "fail", 255),
)
NO_CODES = ("/256", "/-1", "/1.0", "/٣", "/1000000000000", "/stop", "/Start", "/0x1")
NO_PATHS = ("/", "/start/", "/0/1", "/start/fail", "//")
NO_IDS = ("", "x", "%00", "...", "' OR 1=1", "0" * 36, "{", "a" * 5000)
NO_RIDS = ("", "1", "x" * 36, "{}", str(uuid4()) + "0", uuid4().hex)


async def test_every_method_and_ending_is_a_ping(beating: Beating) -> None:
    ways = list(itertools.product(WAYS, ("GET", "POST", "HEAD")))
    for (end, _, _), method in ways:
        reply = await beating.ping(end, method=method)
        assert (reply.status_code, reply.text) == (200, "" if method == "HEAD" else "OK")
        assert reply.headers["Content-Type"].startswith("text/plain")
        assert reply.headers["Cache-Control"] == "no-store"
    stored = (await pinged(beating.database))[beating.monitor_id]
    assert [(row["number"], row["kind"], row["exit_code"], row["method"]) for row in stored] == [
        (number, kind, code, method) for number, ((_, kind, code), method) in enumerate(ways, 1)
    ]
    assert {row["source"] for row in stored} == {"127.0.0.1"}


async def test_other_methods_are_refused(beating: Beating) -> None:
    for method in ("PUT", "DELETE", "PATCH"):
        assert (await beating.ping(method=method)).status_code == 405
    assert await pinged(beating.database) == {}


async def test_what_is_no_ping_is_refused_and_leaves_nothing(beating: Beating) -> None:
    for end in NO_CODES:
        reply = await beating.ping(end)
        assert (reply.status_code, reply.json()["error"]["code"]) == (400, "INVALID_EXIT_CODE"), end
    for end in NO_PATHS:
        assert (await beating.ping(end)).status_code in (400, 404), end
    for ping_id in NO_IDS:
        assert (await beating.open_.get(f"/ping/{ping_id}")).status_code in (400, 404), ping_id
    for rid in NO_RIDS:
        reply = await beating.ping("/start", params={"rid": rid})
        assert (reply.status_code, reply.json()["error"]["code"]) == (400, "INVALID_RID"), rid
    assert await pinged(beating.database) == {}


async def test_an_unknown_id_is_not_found_however_often(beating: Beating) -> None:
    replies = await asyncio.gather(*(beating.open_.get(f"/ping/{uuid4()}") for _ in range(200)))
    assert {reply.status_code for reply in replies} == {404}
    assert {reply.json()["error"]["code"] for reply in replies} == {"HEARTBEAT_NOT_FOUND"}
    assert (await beating.ping()).status_code == 200


async def test_an_id_is_one_whatever_its_case(beating: Beating) -> None:
    assert (await beating.open_.get(f"/ping/{str(beating.ping_id).upper()}")).status_code == 200
    assert (await beating.open_.get(f"/ping/{beating.ping_id.hex}")).status_code == 404


async def test_two_run_ids_are_refused_and_other_parameters_are_not_looked_at(beating: Beating) -> None:
    assert (await beating.ping(f"/start?rid={uuid4()}&rid={uuid4()}")).status_code == 400
    assert (await beating.ping("?create=1&m=x")).status_code == 200


BODIES = (
    (b"", None),
    (b"done", b"done"),
    (b"\x00\xff\xfe\x00", b"\x00\xff\xfe\x00"),
    (b"{", b"{"),
    (b"x" * 100_000, b"x" * 100_000),
    (b"x" * 100_001, b"x" * 100_000),
    (b"ab" * 1_000_000, b"ab" * 50_000),
)
TYPES: tuple[dict[str, str], ...] = (
    {},
    {"Content-Type": "application/json"},
    {"Content-Type": "text/x", "Content-Encoding": "gzip"},
)


async def test_a_body_is_kept_as_it_came_and_cut_but_never_refused(beating: Beating) -> None:
    sent = list(itertools.product(BODIES, TYPES))
    for (body, _), headers in sent:
        assert (await beating.ping(method="POST", content=body, headers=headers)).status_code == 200
    stored = (await pinged(beating.database))[beating.monitor_id]
    for row, ((body, kept), _) in zip(stored, sent, strict=True):
        assert (row["body"], row["cut"]) == (kept, len(body) > 100_000)


async def test_a_body_that_comes_in_chunks_without_end_is_answered(beating: Beating) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in itertools.repeat(None, 400):
            yield b"y" * 1000

    assert (await beating.ping(method="POST", content=endless())).status_code == 200
    [row] = (await pinged(beating.database))[beating.monitor_id]
    assert (row["body"], row["cut"]) == (b"y" * 100_000, True)


async def test_a_hostile_user_agent_is_kept_as_text(beating: Beating) -> None:
    reader, writer = await asyncio.open_connection(beating.served.host, beating.served.port)
    agent = b"\xff<script>" + b"z" * 500
    writer.write(b"GET /ping/%s HTTP/1.1\r\nHost: x\r\nUser-Agent: %s\r\n\r\n" % (str(beating.ping_id).encode(), agent))
    assert b" 200 " in await reader.readline()
    writer.close()
    [row] = (await pinged(beating.database))[beating.monitor_id]
    assert len(row["user_agent"]) == 200
    assert "<script>" in row["user_agent"]


async def test_a_ping_that_cannot_be_stored_is_never_answered_well(beating: Beating) -> None:
    async with beating.database.owner() as conn:
        await conn.execute("REVOKE INSERT ON heartbeat_pings FROM farwatch_app")
        broken = await asyncio.gather(*(beating.ping() for _ in range(20)))
        await conn.execute("GRANT INSERT ON heartbeat_pings TO farwatch_app")
    assert {reply.status_code for reply in broken} <= {500, 503}
    assert all("Retry-After" in reply.headers for reply in broken if reply.status_code == 503)
    assert await pinged(beating.database) == {}
    assert (await beating.ping()).status_code == 200


async def test_a_ping_without_a_commit_has_no_answer(beating: Beating) -> None:
    """Somebody holds the state row: the ping waits, and is answered when the row is let go."""
    async with beating.database.app_transaction() as conn:
        await conn.execute("SELECT FROM monitor_states WHERE monitor_id = $1 FOR UPDATE", beating.monitor_id)
        waiting = asyncio.create_task(beating.ping())
        await until_async(lambda: _somebody_waits(beating), "the ping waits for the row")
        assert not waiting.done()
    assert (await waiting).status_code == 200


async def _somebody_waits(beating: Beating) -> bool:
    async with beating.database.owner() as conn:
        found: bool = await conn.fetchval(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database())"
        )
    return found
