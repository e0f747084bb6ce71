"""From a batch of results to votes, verdicts, incidents and owed notices, on a real database."""

from __future__ import annotations

import itertools

import pytest

from control_plane.services.fleet.ingest_results import Reporter, ingest_results
from control_plane.services.installation.identity import new_id
from control_plane.services.judging.sweep_verdicts import sweep_verdicts
from control_plane.store.pool import Database
from shared.results import CheckResult, Detail, Evidence, Outcome
from tests.support.deciding import Stage, now_ms


@pytest.fixture
async def stage(database: Database) -> Stage:
    return await Stage.make(database, regions=("ap", "eu", "us"))


async def test_a_steady_result_moves_the_vote_and_nothing_else(stage: Stage) -> None:
    await stage.report("eu", "up", at=-60)
    before = await stage.state()

    assert await stage.report("eu", "up", at=0) == "stored"

    assert await stage.vote("eu", "newest_slot") == stage.slot(0)
    assert (await stage.state())["judged_at"] == before["judged_at"]


async def test_one_region_of_three_failing_opens_nothing_and_shows_degraded(stage: Stage) -> None:
    await stage.all_up()

    await stage.report("eu", "down", at=0)
    await stage.report("eu", "down", at=2)

    state = await stage.state()
    assert state["verdict"] == "degraded"
    assert "eu" in state["reason"]
    assert "connection refused" in state["reason"]
    assert await stage.incidents() == []


async def test_two_regions_of_three_prove_an_outage_and_the_evidence_names_them(stage: Stage) -> None:
    channel = await stage.bind_channel()
    await stage.all_up()

    for region in ("eu", "us"):
        await stage.report(region, "down", at=0)
        await stage.report(region, "down", at=2)

    (incident,) = await stage.incidents()
    assert incident["state"] == "triggered"
    assert incident["regions_down"] == ["eu", "us"]
    assert incident["regions_up"] == ["ap"]
    assert incident["cause"] == "Down from 2 of 3 regions: connection refused"
    assert {e["region"]: e["vote"] for e in incident["evidence"]} == {"ap": "up", "eu": "down", "us": "down"}
    assert incident["evidence"][1]["evidence"]["status_line"] == "HTTP/1.1 500"
    assert [(d["notice"], d["channel_id"]) for d in await stage.deliveries()] == [("opened", channel)]


async def test_recovery_resolves_and_is_told_to_those_who_were_told(stage: Stage) -> None:
    await stage.bind_channel()
    await stage.outage("eu", "us")

    await stage.report("eu", "up", at=10)
    await stage.report("eu", "up", at=12)

    (incident,) = await stage.incidents()
    assert incident["state"] == "resolved"
    assert incident["resolution"] == "recovered"
    assert [d["notice"] for d in await stage.deliveries()] == ["opened", "resolved"]
    assert await stage.event_names() == [
        "verdict.changed",
        "verdict.changed",
        "monitor.degraded",
        "verdict.changed",
        "incident.opened",
        "verdict.changed",
        "monitor.degraded",
        "incident.resolved",
    ]


async def test_a_third_region_going_down_joins_the_open_incident(stage: Stage) -> None:
    await stage.outage("eu", "us")

    await stage.report("ap", "down", at=5)
    await stage.report("ap", "down", at=7)

    (incident,) = await stage.incidents()
    assert incident["regions_down"] == ["ap", "eu", "us"]
    assert incident["regions_up"] == []


async def test_a_sent_again_batch_changes_nothing(stage: Stage) -> None:
    await stage.outage("eu", "us")
    before = await stage.fingerprint()

    assert await stage.report("eu", "down", at=2) == "duplicate"
    assert await stage.report("eu", "down", at=0) == "duplicate"

    assert await stage.fingerprint() == before


async def test_a_slot_older_than_the_newest_counted_is_late_and_never_votes(stage: Stage) -> None:
    await stage.all_up()
    await stage.report("eu", "down", at=10)

    assert await stage.report("eu", "down", at=5) == "late"

    assert await stage.vote("eu", "bad_run") == 1


async def test_an_error_never_votes_and_yields_to_a_real_result_of_its_slot(stage: Stage) -> None:
    await stage.all_up()

    assert await stage.report("eu", "error", at=0) == "stored"
    assert await stage.vote("eu", "newest_slot") == stage.slot(-60)
    assert await stage.report("eu", "down", at=0) == "stored"

    assert await stage.vote("eu", "bad_run") == 1
    assert await stage.report("eu", "error", at=0) == "duplicate"


async def test_a_slot_or_a_clock_too_far_off_is_stored_and_does_not_vote(stage: Stage) -> None:
    await stage.all_up()

    assert await stage.report("eu", "down", at=70) == "stored"
    assert await stage.report("eu", "down", at=1, sent_at=now_ms() - 31_000) == "stored"

    assert await stage.vote("eu", "bad_run") == 0


@pytest.mark.parametrize(
    ("at", "answer"),
    [
        (335, "rejected:IN_FUTURE"),
        (320, "stored"),
        (-25 * 3600 - 1, "rejected:TOO_OLD"),
        (-25 * 3600 + 60, "stored"),
    ],
)
async def test_slots_out_of_bounds_are_rejected(stage: Stage, at: int, answer: str) -> None:
    assert await stage.report("eu", "up", at=at) == answer


async def test_items_are_answered_one_by_one(stage: Stage) -> None:
    good = stage.item("up", at=0)
    unknown = CheckResult(monitor_id=new_id(), check_version=1, slot=stage.slot(0), outcome=Outcome.UP)

    answers = await stage.send("eu", [good, None, unknown, good])

    assert answers == ("stored", "rejected:INVALID", "rejected:UNKNOWN_MONITOR", "duplicate")


async def test_nul_characters_in_messages_and_evidence_do_not_fail_a_batch(stage: Stage) -> None:
    detail = Detail(message="bad\x00byte", evidence=Evidence(body_excerpt="\x00\\u0000", headers={"a\x00": "b\x00"}))
    for region in ("eu", "us"):
        for at in (0, 2):
            item = stage.item("down", at=at, detail=detail)
            assert await stage.send(region, [item]) == ("stored",)

    (incident,) = await stage.incidents()
    assert incident["cause"].endswith("badbyte")
    assert incident["evidence"][1]["evidence"]["body_excerpt"] == "\\u0000"


async def test_results_of_another_check_version_are_history_only(stage: Stage) -> None:
    item = stage.item("down", at=0, check_version=7)

    assert await stage.send("eu", [item]) == ("stored",)

    assert await stage.vote("eu", "newest_slot") is None or await stage.vote("eu", "bad_run") == 0


async def test_a_contradicting_slot_asks_every_region_to_look_again(stage: Stage) -> None:
    await stage.all_up()

    await stage.report("eu", "down", at=0)

    rechecks = await stage.rechecks()
    assert {r["slug"] for r in rechecks} == {"ap", "eu", "us"}
    assert len(rechecks) == 3 * 4
    dues = sorted({r["slot"] for r in rechecks})
    assert [b - a for a, b in itertools.pairwise(dues)] == [2000] * 3


async def test_rechecks_are_forgotten_when_the_regions_are_of_one_mind(stage: Stage) -> None:
    await stage.all_up()
    await stage.report("eu", "down", at=0)

    await stage.report("eu", "up", at=2)

    assert await stage.rechecks() == []


async def test_the_sweep_turns_expired_votes_into_unknown_dated_at_the_expiry_that_lost_it(stage: Stage) -> None:
    await stage.all_up()
    await stage.age_votes(seconds=600)

    assert await sweep_verdicts(stage.database) == 1

    state = await stage.state()
    assert state["verdict"] == "unknown"
    assert "Coverage lost" in state["reason"]
    assert await sweep_verdicts(stage.database) == 0
    assert await stage.incidents() == []


async def test_unknown_neither_opens_nor_closes_an_incident(stage: Stage) -> None:
    await stage.outage("eu", "us")
    await stage.age_votes(seconds=600)

    await sweep_verdicts(stage.database)

    assert (await stage.state())["verdict"] == "unknown"
    assert [i["state"] for i in await stage.incidents()] == ["triggered"]


async def test_after_an_expiry_one_down_slot_does_not_revive_a_down_vote(stage: Stage) -> None:
    await stage.outage("eu", "us")
    await stage.age_votes(seconds=600)
    await sweep_verdicts(stage.database)

    await stage.report("eu", "down", at=20)
    await stage.report("us", "down", at=20)
    assert (await stage.state())["verdict"] == "unknown"
    await stage.report("eu", "down", at=22)
    await stage.report("us", "down", at=22)

    assert (await stage.state())["verdict"] == "down"
    assert len(await stage.incidents()) == 1


async def test_a_backlog_of_many_slots_in_one_batch_counts_in_order(stage: Stage) -> None:
    await stage.all_up()

    answers = await stage.send("eu", [stage.item("down" if n > 2 else "up", at=n) for n in (5, 1, 4, 2, 3)])

    assert set(answers) == {"stored"}
    assert await stage.vote("eu", "bad_run") == 3
    assert await stage.vote("eu", "vote") == "down"


async def test_a_foreign_region_cannot_report_a_monitor_it_does_not_run(stage: Stage) -> None:
    reporter = Reporter(new_id(), 999, 999)
    item = stage.item("down", at=0)

    answer = await ingest_results(stage.database, reporter, sent_at=now_ms(), items=[item])

    assert answer.statuses == ("rejected:UNKNOWN_MONITOR",)


async def test_of_an_error_and_a_real_result_for_one_slot_in_a_batch_the_real_one_is_stored(stage: Stage) -> None:
    await stage.all_up()

    assert await stage.send("eu", [stage.item("error", at=0), stage.item("down", at=0)]) == ("stored", "duplicate")

    assert await stage.vote("eu", "bad_run") == 1


async def test_a_silent_regions_rechecks_hold_up_no_fast_confirmation(stage: Stage) -> None:
    await stage.all_up()
    await stage.silence("ap")
    await stage.report("eu", "down", at=0)
    await stage.take_rechecks("eu", "us")
    await stage.report("eu", "up", at=2)

    await stage.report("eu", "down", at=10)

    assert "eu" in {row["slug"] for row in await stage.rechecks()}


async def test_a_dispatch_is_finished_only_by_its_own_region(stage: Stage) -> None:
    await stage.all_up()
    await stage.report("eu", "down", at=0)
    theirs = next(row["id"] for row in await stage.rechecks() if row["slug"] == "ap")

    await stage.send("eu", [stage.item("up", at=2, dispatch_id=theirs)])

    row = (await stage.rows("SELECT finished_at FROM dispatches WHERE id = $1", theirs))[:1]
    assert row == [] or row[0]["finished_at"] is None


async def test_a_steady_run_is_counted_so_that_the_evidence_tells_its_length(stage: Stage) -> None:
    await stage.all_up()
    for at in (0, 2, 4, 6):
        await stage.report("eu", "down", at=at)

    assert await stage.vote("eu", "bad_run") == 4
    assert await stage.vote("eu", "earned") == 2


async def test_a_transition_has_the_number_of_its_event(stage: Stage) -> None:
    await stage.outage("eu", "us")

    numbers = [row["number"] for row in await stage.rows("SELECT number FROM transitions ORDER BY number")]
    events = await stage.rows("SELECT number FROM events WHERE event = 'verdict.changed' ORDER BY number")
    assert numbers == [row["number"] for row in events]
