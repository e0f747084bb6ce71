"""Thousands of subscribers are owed in batches, by any number of workers, and a killed one loses and repeats nobody."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

from control_plane.services.pages.watch_pages import look_at_page, owe_next_batch, owe_notices
from tests.support.receiver import answer_after
from tests.support.subscriber_worker import start_worker
from tests.support.subscribers import HOOK_SECRET, SubscriberStage, ago
from tests.support.waiting import until_async

KILLS = 6
READERS = 40
CROWD = 5_000
LEASE_S = 1.0
LARGEST = "SELECT max(n) FROM (SELECT count(*) AS n FROM page_deliveries GROUP BY xmin::text) batches"
OWED = "SELECT count(*), count(DISTINCT subscriber_id) AS readers FROM page_deliveries"


async def test_five_thousand_are_owed_once_in_batches_by_workers_side_by_side(stage: SubscriberStage) -> None:
    await stage.crowd(CROWD, kind="email")
    await stage.pages.incident(stage.api, "Down", ago=ago(1))
    looks = [look_at_page(stage.database, tenant_id=stage.tenant_id, page_id=stage.page_id) for _ in range(3)]
    assert sum(await asyncio.gather(*looks)) == 1, "of those who look at once, one writes"
    owed = await asyncio.gather(*(owe_notices(stage.database) for _ in range(3)))
    await owe_notices(stage.database)
    assert (await stage.rows(OWED))[0] == {"count": CROWD, "readers": CROWD}
    assert sum(owed) <= CROWD
    assert (await stage.rows(LARGEST))[0] == {"max": 500}


async def test_a_batch_that_is_done_again_owes_nobody_twice_and_an_end_waits_for_its_beginning(
    stage: SubscriberStage,
) -> None:
    await stage.crowd(12, kind="email")
    incident = await stage.pages.incident(stage.api, "Down", ago=ago(1))
    await look_at_page(stage.database, tenant_id=stage.tenant_id, page_id=stage.page_id)
    assert await owe_next_batch(stage.database, limit=5) == 5
    await stage.resolve(incident)
    await look_at_page(stage.database, tenant_id=stage.tenant_id, page_id=stage.page_id)
    await stage.execute("UPDATE page_notices SET reached = NULL, finished_at = NULL WHERE event = 'incident.opened'")
    await owe_notices(stage.database)
    counted = await stage.rows("SELECT event, count(*) FROM page_deliveries GROUP BY 1 ORDER BY 1")
    assert [tuple(row.values()) for row in counted] == [("incident.opened", 12), ("incident.resolved", 12)]


async def test_a_killed_worker_loses_nobody_and_repeats_at_most_the_one_under_way(
    stage: SubscriberStage, dsn: str
) -> None:
    addresses = await stage.crowd(READERS)
    incident = await stage.pages.incident(stage.api, "Down", ago=ago(1))
    await look_at_page(stage.database, tenant_id=stage.tenant_id, page_id=stage.page_id)
    chance, kills = random.Random(7), 0
    for part in range(1, KILLS + 1):
        worker = start_worker(dsn, lease_s=LEASE_S)
        try:
            await stage.hooks.wait_for(min(READERS, part * READERS // (KILLS + 1)), deadline_s=30)
        finally:
            await asyncio.sleep(chance.uniform(0, 0.03))
            worker.kill()
            worker.join(5)
            kills += 1
    await stage.resolve(incident)
    await look_at_page(stage.database, tenant_id=stage.tenant_id, page_id=stage.page_id)
    worker = start_worker(dsn, lease_s=LEASE_S)
    try:
        await until_async(lambda: _told(stage, 2 * READERS), "everybody was told of the end", timeout=60)
    finally:
        worker.kill()
        worker.join(5)
    received = Counter(request.delivery_id for request in stage.hooks.received)
    assert len(received) == 2 * READERS
    assert sum(received.values()) - len(received) <= kills + 1
    for address in addresses:
        path = "/" + address.rpartition("/")[2]
        mine = [request for request in stage.hooks.received if request.path == path]
        events = [request.body.split(b'"event":"')[1].split(b'"')[0].decode() for request in mine]
        assert sorted(set(events)) == ["incident.opened", "incident.resolved"]
        assert events == sorted(events), "the end came last"
        for request in mine:
            request.verify(HOOK_SECRET)


async def _told(stage: SubscriberStage, count: int) -> bool:
    return (await stage.states()).get("delivered", 0) >= count


async def test_a_worker_that_is_told_to_stop_ends_what_it_has_begun(stage: SubscriberStage) -> None:
    await stage.crowd(3)
    release = asyncio.Event()
    stage.hooks.otherwise = answer_after(release)
    await stage.pages.incident(stage.api, "Down", ago=ago(1))
    await stage.look()
    telling = asyncio.create_task(stage.teller(at_once=2).tell())
    await stage.hooks.wait_for(2)
    telling.cancel()
    release.set()
    await asyncio.wait([telling])
    assert await stage.states() == {"delivered": 2, "pending": 1}
