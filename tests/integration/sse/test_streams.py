"""GET /api/v1/events and /api/v1/monitors/{id}/events."""

from __future__ import annotations

import asyncio
import json
import random
from contextlib import AsyncExitStack

import pytest

from control_plane.metrics import STREAMS, STREAMS_CUT
from control_plane.services.alerting.stream_events import CompletedCheck, publish_checks, publish_results
from control_plane.store.pool import Database
from control_plane.web import authentication, sse, streams
from shared.results import CheckResult, Outcome, Reason
from tests.integration.sse.conftest import Account, append
from tests.support.door import Served, an_api_key
from tests.support.seed import a_monitor, a_region, a_tenant, new_id
from tests.support.sse_client import SseEvent, Stream, streaming
from tests.support.waiting import until, until_async

EVENTS = "/api/v1/events"


async def numbers(stream: Stream, count: int) -> list[int]:
    return [int((await next_event(stream)).last_event_id) for _ in range(count)]


async def next_event(stream: Stream) -> SseEvent:
    event = await stream.next()
    assert event is not None, "the stream goes on"
    return event


async def test_a_decision_arrives_as_it_is_made(door: Served, database: Database, account: Account) -> None:
    async with streaming(door, EVENTS, account.key) as stream, database.app() as conn:
        assert stream.status == 200
        assert stream.headers["content-type"] == "text/event-stream"
        assert stream.headers["cache-control"] == "no-store"
        number = await append(conn, account.tenant_id, event="incident.opened", data='{"why":"down"}')
        event = await next_event(stream)
    assert event == ("incident.opened", '{"why":"down"}', str(number))
    assert stream.retry == 3000


async def test_without_a_hint_it_arrives_all_the_same(door: Served, database: Database, account: Account) -> None:
    async with streaming(door, EVENTS, account.key) as stream, database.app() as conn:
        number = await append(conn, account.tenant_id, hint=False)
        assert await numbers(stream, 1) == [number]


async def test_a_new_stream_begins_now_and_knows_where_that_is(
    door: Served, database: Database, account: Account
) -> None:
    async with database.app() as conn:
        await append(conn, account.tenant_id)
        async with streaming(door, EVENTS, account.key) as stream:
            first = await append(conn, account.tenant_id)
            assert await numbers(stream, 1) == [first]
        async with streaming(door, EVENTS, account.key) as quiet:
            with pytest.raises(TimeoutError):
                await quiet.next(0.2)
            assert quiet.last_event_id == str(first)


async def test_a_stream_that_comes_back_goes_on_without_a_gap(
    door: Served, database: Database, account: Account
) -> None:
    """While events are written all the time, a reader is cut off again and again at random points."""
    draw, wanted, got = random.Random(7), 300, list[int]()

    async def write() -> None:
        async with database.app() as conn:
            for _ in range(wanted):
                await append(conn, account.tenant_id, hint=draw.random() < 0.8)

    last = "0"
    writing = asyncio.create_task(write())
    while len(got) < wanted:
        async with streaming(door, EVENTS, account.key, last_event_id=last) as stream:
            got += await numbers(stream, min(draw.randrange(1, 40), wanted - len(got)))
            last = stream.last_event_id
    await writing
    assert got == list(range(1, wanted + 1))


async def test_more_than_a_page_is_resumed_in_order(door: Served, database: Database, account: Account) -> None:
    async with database.app() as conn:
        await conn.execute("UPDATE tenant_counters SET events = 1203 WHERE tenant_id = $1", account.tenant_id)
        await conn.execute(
            "INSERT INTO events SELECT $1, n, now(), 'verdict.changed', NULL, '{}' FROM generate_series(1, 1203) AS n",
            account.tenant_id,
        )
        async with streaming(door, EVENTS, account.key, last_event_id="0") as stream:
            assert await numbers(stream, 1203) == list(range(1, 1204))
            number = await append(conn, account.tenant_id)
            assert await numbers(stream, 1) == [number]


@pytest.mark.parametrize("last", ["1", "6", "99", "-1", "abc", "١"])
async def test_what_cannot_be_resumed_without_a_gap_says_reset(
    door: Served, database: Database, account: Account, last: str
) -> None:
    async with database.app() as conn:
        for _ in range(5):
            await append(conn, account.tenant_id)
        await conn.execute("DELETE FROM events WHERE number < 4")
        async with streaming(door, EVENTS, account.key, last_event_id=last) as stream:
            event = await next_event(stream)
            assert (event.event, event.last_event_id) == ("reset", "5")
            number = await append(conn, account.tenant_id)
            assert await numbers(stream, 1) == [number]


@pytest.mark.parametrize(("last", "rest"), [("3", [4, 5]), ("4", [5]), ("5", [])])
async def test_the_edges_of_what_is_kept_can_be_resumed(
    door: Served, database: Database, account: Account, last: str, rest: list[int]
) -> None:
    async with database.app() as conn:
        for _ in range(5):
            await append(conn, account.tenant_id)
        await conn.execute("DELETE FROM events WHERE number < 4")
        async with streaming(door, EVENTS, account.key, last_event_id=last) as stream:
            await append(conn, account.tenant_id)
            assert await numbers(stream, len(rest) + 1) == [*rest, 6]


async def test_when_everything_has_aged_out_only_the_newest_can_be_resumed(
    door: Served, database: Database, account: Account
) -> None:
    async with database.app() as conn:
        for _ in range(3):
            await append(conn, account.tenant_id)
        await conn.execute("DELETE FROM events")
        async with (
            streaming(door, EVENTS, account.key, last_event_id="3") as there,
            streaming(door, EVENTS, account.key, last_event_id="2") as behind,
        ):
            assert (await next_event(behind)).event == "reset"
            await append(conn, account.tenant_id)
            assert await numbers(there, 1) == [4]


async def test_a_stream_of_some_events_passes_over_the_others(
    door: Served, database: Database, account: Account
) -> None:
    async with (
        streaming(door, f"{EVENTS}?events=incident.opened,incident.resolved", account.key) as stream,
        database.app() as conn,
    ):
        for event in ("verdict.changed", "incident.opened", "incident.updated", "incident.resolved"):
            await append(conn, account.tenant_id, event=event)
        assert [(await next_event(stream)).event for _ in range(2)] == ["incident.opened", "incident.resolved"]


async def test_an_event_that_there_is_not_is_refused(door: Served, account: Account) -> None:
    async with door.client(account.key) as client:
        for names in ("incident.exploded", "", "incident.opened,,"):
            answer = await client.get(EVENTS, params={"events": names})
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_EVENTS")


async def test_a_monitors_stream_carries_that_monitor_only(door: Served, database: Database, account: Account) -> None:
    async with database.app() as conn:
        region_id = await a_region(conn)
        mine, other = [await a_monitor(conn, account.tenant_id, [region_id]) for _ in range(2)]
        async with streaming(door, f"/api/v1/monitors/{mine}/events", account.key) as stream:
            await append(conn, account.tenant_id, monitor_id=other)
            await append(conn, account.tenant_id)
            number = await append(conn, account.tenant_id, monitor_id=mine)
            assert await numbers(stream, 1) == [number]


async def test_nothing_of_another_tenant_is_told(door: Served, database: Database, account: Account) -> None:
    async with database.app() as conn:
        stranger = await a_tenant(conn, "Stranger")
        theirs = await a_monitor(conn, stranger, [await a_region(conn)])
        async with streaming(door, EVENTS, account.key, last_event_id="0") as stream, door.client(account.key) as me:
            await append(conn, stranger, monitor_id=theirs, data='{"secret":1}')
            await append(conn, account.tenant_id, data='{"own":1}')
            assert (await next_event(stream)).data == '{"own":1}'
            assert (await me.get(f"/api/v1/monitors/{theirs}/events")).status_code == 404


async def test_a_key_without_the_scope_is_refused(door: Served, database: Database, account: Account) -> None:
    async with database.app() as conn:
        key = await an_api_key(conn, account.tenant_id, "monitors:read", number=2)
    async with door.client(key) as client:
        assert (await client.get(EVENTS)).status_code == 403


async def test_live_checks_reach_watchers_without_an_id(door: Served, database: Database, account: Account) -> None:
    async with database.app() as conn:
        region_id = await a_region(conn)
        mine, other = [await a_monitor(conn, account.tenant_id, [region_id]) for _ in range(2)]
    async with (
        streaming(door, f"{EVENTS}?events=check.completed", account.key) as all_checks,
        streaming(door, f"/api/v1/monitors/{mine}/events", account.key) as of_mine,
    ):
        hub = door.deps.hub
        await until(
            lambda: str(account.tenant_id) in hub.watched_tenants(), "every process knows that somebody watches"
        )
        items = [
            CheckResult(monitor_id=each, check_version=1, slot=n, outcome=Outcome.UP, total=1.5)
            for n, each in enumerate([other, mine, other])
        ]
        await publish_results(
            database,
            region_id=region_id,
            region="eu",
            items=[*items, None],
            statuses=["stored", "stored", "duplicate", "rejected:INVALID"],
            watched=hub.watched_tenants(),
        )
        first, second = await next_event(all_checks), await next_event(all_checks)
        own = await next_event(of_mine)
    assert json.loads(first.data) == {
        "monitor_id": str(other),
        "region": "eu",
        "slot": 0,
        "outcome": "up",
        "reason": "none",
        "total": 1.5,
        "http_status": None,
    }
    assert json.loads(second.data)["monitor_id"] == json.loads(own.data)["monitor_id"] == str(mine)
    assert {each.event for each in (first, second, own)} == {"check.completed"}
    assert {each.last_event_id for each in (first, second, own)} == {"0"}


async def test_many_checks_at_once_fit_into_notifications(door: Served, database: Database, account: Account) -> None:
    stranger = new_id()
    checks = [
        CompletedCheck(
            tenant_id=tenant, monitor_id=new_id(), region="e" * 40, slot=n, outcome="down", reason=Reason.ASSERTION
        )
        for n in range(200)
        for tenant in (account.tenant_id, stranger)
    ]
    async with streaming(door, EVENTS, account.key) as stream:
        await until(lambda: str(account.tenant_id) in door.deps.hub.watched_tenants(), "the stream has begun")
        async with database.app() as conn:
            await publish_checks(conn, checks, watched={str(account.tenant_id)})
        slots = [json.loads((await next_event(stream)).data)["slot"] for _ in range(200)]
    assert slots == list(range(200))


async def test_the_twenty_first_stream_of_a_key_is_refused_until_one_ends(
    door: Served, database: Database, account: Account
) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(streams.STREAMS_PER_KEY - 1):
            await stack.enter_async_context(streaming(door, EVENTS, account.key))
        async with streaming(door, EVENTS, account.key):
            async with door.client(account.key) as client:
                refused = await client.get(EVENTS)
            assert (refused.status_code, refused.json()["error"]["code"]) == (429, "RATE_LIMITED")
            async with database.app() as conn:
                another = await an_api_key(conn, account.tenant_id, "events:read", number=2)
            async with streaming(door, EVENTS, another) as stream:
                assert stream.status == 200

        async def let_in() -> bool:
            async with streaming(door, EVENTS, account.key) as stream:
                return stream.status == 200

        await until_async(let_in, "there is room again")


async def test_a_reader_that_does_not_read_is_cut_off_and_holds_up_nobody(
    door: Served, database: Database, account: Account
) -> None:
    async with (
        streaming(door, EVENTS, account.key) as quick,
        streaming(door, EVENTS, account.key, receive_buffer=4096),
        database.app() as conn,
    ):
        await until(lambda: len(open_readers(door, account)) == 2, "both have joined")
        stalled_and_quick, counted = open_readers(door, account), STREAMS_CUT._value.get()
        sent = 0
        while len(open_readers(door, account)) == 2:
            assert sent < 500, "100 kB events soon fill every buffer on the way"
            number = await append(conn, account.tenant_id, data='{"x":"' + "x" * 100_000 + '"}')
            assert await numbers(quick, 1) == [number]
            sent += 1
        (cut,) = stalled_and_quick - open_readers(door, account)
        assert cut.cut_off
        await until(lambda: STREAMS_CUT._value.get() == counted + 1, "the cut is counted")
        number = await append(conn, account.tenant_id)
        assert await numbers(quick, 1) == [number]


def open_readers(door: Served, account: Account) -> frozenset[sse.Reader]:
    return door.deps.streams.readers(account.tenant_id)


async def test_a_reader_that_went_away_breaks_nothing_for_the_others(
    door: Served, database: Database, account: Account
) -> None:
    async with streaming(door, EVENTS, account.key) as stays, database.app() as conn:
        for _ in range(10):
            async with streaming(door, EVENTS, account.key):
                pass
            number = await append(conn, account.tenant_id)
            assert await numbers(stays, 1) == [number]
        await until(lambda: len(open_readers(door, account)) == 1, "only the one that stays is left")


async def test_a_quiet_stream_is_kept_alive_and_moves_past_what_it_does_not_want(
    door: Served, database: Database, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "COMMENT_S", 0.05)
    async with (
        streaming(door, f"{EVENTS}?events=incident.opened", account.key) as stream,
        database.app() as conn,
    ):
        number = await append(conn, account.tenant_id, event="verdict.changed")

        async def passed() -> None:
            while stream.last_event_id != str(number):
                with pytest.raises(TimeoutError):
                    await stream.next(0.1)

        await asyncio.wait_for(passed(), 10)
    assert stream.comments > 0


@pytest.mark.parametrize(
    "end",
    [
        "DELETE FROM api_keys WHERE tenant_id = $1",
        "UPDATE api_keys SET expires_at = now() WHERE tenant_id = $1",
        "UPDATE api_keys SET digest = 'another' WHERE tenant_id = $1",
        "UPDATE api_keys SET scopes = '{monitors:read}' WHERE tenant_id = $1",
        "UPDATE tenants SET suspended_at = now() WHERE id = $1",
    ],
    ids=["deleted", "expired", "rotated", "without the scope", "suspended"],
)
async def test_a_stream_ends_with_what_opened_it(
    door: Served, database: Database, account: Account, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(sse, "COMMENT_S", 0.05)
    monkeypatch.setattr(authentication, "REMEMBERED_S", 0.05)
    async with streaming(door, EVENTS, account.key) as stream, database.app() as conn:
        with pytest.raises(TimeoutError):
            await stream.next(0.3)
        await conn.execute(end, account.tenant_id)
        assert await stream.next(5) is None


async def test_open_streams_and_those_that_were_cut_off_are_counted(door: Served, account: Account) -> None:
    before = STREAMS._value.get()
    async with streaming(door, EVENTS, account.key):
        await until(lambda: STREAMS._value.get() == before + 1, "the stream is counted")
    door.deps.hub.close()
    await until(lambda: STREAMS._value.get() == before, "it no longer is")


async def test_when_the_process_stops_streams_end_cleanly(door: Served, account: Account) -> None:
    async with streaming(door, EVENTS, account.key) as stream:
        await until(lambda: open_readers(door, account), "the stream has begun")
        door.deps.hub.close()
        assert await stream.next(5) is None
