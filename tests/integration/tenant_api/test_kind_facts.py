"""What a kind alone reads: stored with the result, and shown by name."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from control_plane.services.fleet.ingest_results import ingest_results
from shared.results import CheckResult, Detail, DomainFacts, Evidence, Outcome, PingFacts
from tests.support.certificates import facts, fingerprint
from tests.support.reporting import now_ms, reporters
from tests.support.tenant_world import World


async def _shown(world: World, detail: Detail) -> dict[str, Any]:
    """The one result of a new monitor, as it is read back."""
    monitor = await world.monitor()
    reporter = (await reporters(world))["eu"]
    result = CheckResult(UUID(monitor["id"]), 1, now_ms(), Outcome.UP, total=3.0, detail=detail)
    await ingest_results(world.database, reporter, sent_at=now_ms(), items=[result])
    (item,) = (await world.get(f"/monitors/{monitor['id']}/results"))["items"]
    return dict(item)


async def test_a_result_shows_the_certificate_that_was_read(world: World) -> None:
    item = await _shown(world, Detail(certificate=facts("www", not_after=1_900_000_000)))

    assert item["certificate"] == {
        "subject": "CN=www.example",
        "issuer": "CN=Test authority",
        "serial": "0a1b",
        "fingerprint": fingerprint("www"),
        "not_before": "2023-11-14T22:13:20Z",
        "not_after": "2030-03-17T17:46:40Z",
        "is_trusted": True,
        "trust_problem": None,
        "host_matches": True,
        "names": ["www.example"],
        "names_total": 1,
        "chain": ["CN=www.example", "CN=Test authority"],
    }
    assert (item["answers"], item["ping"], item["domain"]) == (None, None, None)


async def test_a_result_shows_the_answers_the_echoes_and_the_domain(world: World) -> None:
    ping = PingFacts(sent=3, received=2, min=1.5, avg=2.0, max=2.5, stddev=0.5)
    domain = DomainFacts(expires_at=1_900_000_000, registrar="Registrar", status=("active",), server="rdap.example")
    item = await _shown(world, Detail(answers=("10 mx.example",), ping=ping, domain=domain))

    assert item["answers"] == ["10 mx.example"]
    assert item["ping"] == {"sent": 3, "received": 2, "min": 1.5, "avg": 2.0, "max": 2.5, "stddev": 0.5}
    assert item["domain"] == {
        "expires_at": "2030-03-17T17:46:40Z",
        "registrar": "Registrar",
        "status": ["active"],
        "server": "rdap.example",
    }
    assert item["certificate"] is None


async def test_the_evidence_shows_the_chain_and_the_answers(world: World) -> None:
    evidence = Evidence(chain=("CN=www.example, ended 2026-11-19",), answers=("a.example. 60 IN A 192.0.2.1",))

    item = await _shown(world, Detail(evidence=evidence))

    assert item["evidence"]["chain"] == ["CN=www.example, ended 2026-11-19"]
    assert item["evidence"]["answers"] == ["a.example. 60 IN A 192.0.2.1"]


async def test_a_result_shows_how_late_it_began_and_how_late_its_agent_was(world: World) -> None:
    item = await _shown(world, Detail(late_ms=2500.5, lag_ms=40.25))

    assert (item["late_ms"], item["lag_ms"]) == (2500.5, 40.25)


async def test_evidence_with_nothing_in_it_is_none(world: World) -> None:
    item = await _shown(world, Detail(message="TLS: no", evidence=Evidence()))

    assert item["evidence"] is None


async def test_instants_beyond_all_calendars_are_none(world: World) -> None:
    detail = Detail(
        cert_expires_at=2**53,
        certificate=facts("www", not_after=-(2**53)),
        domain=DomainFacts(expires_at=2**53),
    )

    item = await _shown(world, detail)

    assert item["cert_expires_at"] is None
    assert item["certificate"]["not_after"] is None
    assert item["domain"]["expires_at"] is None
