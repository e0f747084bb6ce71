"""What the pages make of the kinds' own facts, and of regions that cannot run a check."""

from __future__ import annotations

import httpx

from shared.results import CertificateFacts, Detail, Evidence
from tests.support.certificates import facts, fingerprint
from tests.support.dashboard import Desk

HOSTILE = "<script>alert(1)</script>"


async def test_the_newest_certificate_is_shown_on_the_monitors_page(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id = await desk.monitor()
    await desk.report(monitor_id, "eu", "up", seconds_ago=9, detail=Detail(certificate=facts("old")))
    await desk.report(monitor_id, "us", "up", seconds_ago=3, detail=Detail(certificate=facts("www")))

    page = (await http.get(f"/app/monitors/{monitor_id}")).text

    assert "The certificate</h2>" in page
    assert fingerprint("www") in page
    assert fingerprint("old") not in page
    assert "Seen from us" in page
    assert "The certificate ends in" in page


async def test_what_a_hostile_target_says_is_only_text(desk: Desk, http: httpx.AsyncClient) -> None:
    bad = CertificateFacts(
        subject=HOSTILE, issuer=HOSTILE, serial="00", fingerprint=HOSTILE, not_before=0, not_after=0,
        is_trusted=False, host_matches=False, trust_problem=HOSTILE, names=(HOSTILE,), names_total=1, chain=(HOSTILE,),
    )  # fmt: skip
    monitor_id = await desk.monitor()
    await desk.report(monitor_id, "eu", "up", detail=Detail(certificate=bad, answers=(HOSTILE,)))

    page = (await http.get(f"/app/monitors/{monitor_id}")).text

    assert "The certificate</h2>" in page
    assert HOSTILE not in page


async def test_a_page_without_such_facts_has_no_such_section(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id = await desk.monitor()
    await desk.all_up(monitor_id)

    assert "reading-title" not in (await http.get(f"/app/monitors/{monitor_id}")).text


async def test_the_legend_of_an_http_monitor_says_first_byte(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id = await desk.monitor()
    await desk.all_up(monitor_id)

    page = (await http.get(f"/app/monitors/{monitor_id}")).text

    assert '<i class="key p-ttfb"></i>first byte</span>' in page


async def test_a_region_whose_newest_result_judges_nobody_says_why(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id = await desk.monitor()
    busy = Detail(message="the registry takes no more questions for now")
    await desk.report(monitor_id, "eu", "error", seconds_ago=3, detail=busy)
    await desk.report(monitor_id, "us", "error", seconds_ago=9, detail=Detail(message="an older trouble"))
    await desk.report(monitor_id, "us", "up", seconds_ago=3)

    page = (await http.get(f"/app/monitors/{monitor_id}")).text

    assert "Not judged: the registry takes no more questions for now." in page
    assert "Not judged: an older trouble" not in page


async def test_a_first_degraded_result_is_told_before_it_makes_the_vote(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id = await desk.monitor()
    await desk.all_up(monitor_id)
    await desk.report(monitor_id, "eu", "degraded", detail=Detail(message="the certificate expires in 9 days"))

    page = (await http.get(f"/app/monitors/{monitor_id}")).text

    assert "1 of 2 degraded results that make it degraded" in page
    assert page.count("The certificate expires in 9 days.") == 2, "beside the vote and among the results"


async def test_an_incapable_region_is_named_so_with_its_reason(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id = await desk.monitor()
    async with desk.database.app() as conn:
        await conn.execute("UPDATE agents SET capabilities = '{tcp}' WHERE region_id = $1", desk.regions["ap"])

    page = (await http.get(f"/app/monitors/{monitor_id}")).text

    assert page.count("Incapable") == 1
    assert "Its agent does not run http checks." in page
    assert page.count("No vote yet") == 2


async def test_the_overview_names_incapable_regions_too(desk: Desk, http: httpx.AsyncClient) -> None:
    first, second = await desk.monitor("First"), await desk.monitor("Second")
    await desk.all_up(second)
    async with desk.database.app() as conn:
        await conn.execute("UPDATE agents SET capabilities = '{tcp}' WHERE region_id = $1", desk.regions["ap"])

    page = (await http.get("/app")).text

    # Of the first alone, whose votes are none: the second one's are fresh.
    assert page.count('title="ap: incapable, Its agent does not run http checks"') == 1
    assert str(first) in page


async def test_an_incidents_proof_shows_the_chain_and_the_answers(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id = await desk.monitor()
    await desk.all_up(monitor_id)
    seen = Detail(
        message="the certificate expired 2 days ago",
        evidence=Evidence(chain=("CN=www.example, ended 2026-11-19",), answers=("a.example. 60 IN A 192.0.2.1",)),
    )
    for seconds_ago in (4, 2):
        for region in ("eu", "us"):
            await desk.report(monitor_id, region, "down", seconds_ago=seconds_ago, detail=seen)
    async with desk.database.app() as conn:
        incident_id = await conn.fetchval("SELECT id FROM incidents")

    page = (await http.get(f"/app/incidents/{incident_id}")).text

    assert "Down from 2 of 3 regions: the certificate expired 2 days ago." in page
    assert "CN=www.example, ended 2026-11-19" in page
    assert "a.example. 60 IN A 192.0.2.1" in page


async def test_a_check_that_a_newer_version_wrote_is_named_by_its_kind(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id, known = await desk.monitor("Newer"), await desk.monitor("Known")
    stored = {"type": "pigeon", "loft": "a.example", "timeout": 5_000}
    async with desk.database.app() as conn:
        await conn.execute('UPDATE monitors SET kind = $2, "check" = $3 WHERE id = $1', monitor_id, "pigeon", stored)

    overview, page = await http.get("/app"), await http.get(f"/app/monitors/{monitor_id}")

    assert (overview.status_code, page.status_code) == (200, 200)
    assert str(known) in overview.text
    assert "pigeon" in overview.text
    assert "Check every" in page.text
