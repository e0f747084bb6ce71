"""/metrics, /healthz and /probe of a running agent, as Prometheus asks for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from prometheus_client.parser import text_string_to_metric_families

from agent.app import App
from agent.settings import AgentSettings
from shared.settings import SettingsError
from tests.support import targets
from tests.support.fake_control_plane import KEY, FakeControlPlane
from tests.support.farm import free_port
from tests.support.http_checks import server_tls
from tests.support.scripted_dns import serving_dns
from tests.support.targets import Reader, Writer, serving
from tests.support.waiting import until, until_async


@asynccontextmanager
async def door(url: str, directory: Path, **more: Any) -> AsyncIterator[httpx.AsyncClient]:
    """An agent with a local door, once it has answered."""
    port = free_port()
    settings = AgentSettings(
        url=url, key=KEY, state_dir=str(directory), resolvers=("127.0.0.1:9",), metrics_port=port, **more
    )
    task = asyncio.create_task(App(settings, retry_refused_s=0.1).run())
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
            await until_async(lambda: _answers(client), "the local door answers")
            yield client
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _answers(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/nothing")).status_code == 404
    except httpx.TransportError:
        return False


async def _status(client: httpx.AsyncClient) -> tuple[int, str]:
    answer = await client.get("/healthz")
    return answer.status_code, str(answer.json()["status"])


def samples(text: str) -> dict[tuple[str, ...], float]:
    """The value of each sample by its name and its labels' values."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_healthz_says_ok_while_the_agent_works_and_503_while_its_key_is_refused(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with plane.serving() as url, door(url, tmp_path) as client:

        async def works() -> bool:
            seen = (await client.get("/healthz")).json()
            return seen["status"] == "ok" and seen["last_poll_age_s"] is not None

        await until_async(works, "it works")
        seen = (await client.get("/healthz")).json()
        assert (seen["healthy"], seen["reason"], seen["region"], seen["agent"]) == (True, None, "lo", "a1")
        assert seen["version"]
        plane.key = "another"
        await until_async(lambda: _is(client, (503, "refused")), "it says that it is refused")
        assert "401" in (await client.get("/healthz")).json()["reason"]


async def _is(client: httpx.AsyncClient, wanted: tuple[int, str]) -> bool:
    return await _status(client) == wanted


async def test_healthz_is_503_before_a_control_plane_has_answered(tmp_path: Path) -> None:
    async with door("http://127.0.0.1:9", tmp_path) as client:
        assert await _status(client) == (503, "starting")


async def test_metrics_are_those_of_this_agent(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with plane.serving() as url, door(url, tmp_path) as client:
        await until_async(lambda: _is(client, (200, "ok")), "it works")
        answer = await client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    seen = samples(answer.text)
    assert seen[("farwatch_agent_refused",)] == 0
    assert seen[("farwatch_agent_checks_running",)] == 0


async def test_probing_for_others_is_off_unless_it_is_asked_for(tmp_path: Path) -> None:
    async with FakeControlPlane().serving() as url, door(url, tmp_path) as client:
        answer = await client.get("/probe", params={"target": "http://127.0.0.1/"})
    assert answer.status_code == 404
    assert "FARWATCH_AGENT__PROBE_DOOR" in answer.text


async def test_a_probe_of_a_good_page_has_blackbox_exporters_names(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with serving(targets.ok()) as port, plane.serving() as url, door(url, tmp_path, probe_door=True) as client:
        await until_async(lambda: _is(client, (200, "ok")), "it works")
        target = f"127.0.0.1:{port}"
        answer = await client.get("/probe", params={"target": target, "module": "http_2xx"})
    assert answer.status_code == 200
    seen = samples(answer.text)
    assert seen[("probe_success",)] == 1
    assert seen[("probe_http_status_code",)] == 200
    assert seen[("probe_http_version",)] == 1.1
    assert seen[("probe_ip_protocol",)] == 4
    assert seen[("probe_failed_due_to_regex",)] == 0
    phases = [seen[("probe_http_duration_seconds", phase)] for phase in ("resolve", "connect", "tls", "processing")]
    assert phases[0] == phases[2] == 0
    assert 0 < sum(phases) <= seen[("probe_duration_seconds",)]
    assert plane.stored == {}, "a probe is no result"


@pytest.mark.parametrize(("status", "success"), [("204 No Content", 1), ("404 Not Found", 0), ("503 Busy", 0)])
async def test_success_is_any_status_of_the_class_2xx(tmp_path: Path, status: str, success: int) -> None:
    plane = FakeControlPlane()
    async with (
        serving(targets.ok(status=status)) as port,
        plane.serving() as url,
        door(url, tmp_path, probe_door=True) as client,
    ):
        await until_async(lambda: _is(client, (200, "ok")), "it works")
        answer = await client.get("/probe", params={"target": f"http://127.0.0.1:{port}/"})
    assert samples(answer.text)[("probe_success",)] == success


async def test_the_guard_of_the_region_holds_for_probes(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with plane.serving() as url, door(url, tmp_path, probe_door=True) as client:
        await until_async(lambda: _is(client, (200, "ok")), "it works")
        answer = await client.get("/probe", params={"target": "http://169.254.169.254/latest/"})
    seen = samples(answer.text)
    assert seen[("probe_success",)] == 0
    assert seen[("farwatch_probe_outcome", "error", "blocked")] == 1


async def test_the_scrape_timeout_bounds_a_probe_that_hangs(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with (
        serving(targets.slow(600)) as port,
        plane.serving() as url,
        door(url, tmp_path, probe_door=True) as client,
    ):
        await until_async(lambda: _is(client, (200, "ok")), "it works")
        answer = await client.get(
            "/probe",
            params={"target": f"http://127.0.0.1:{port}/"},
            headers={"X-Prometheus-Scrape-Timeout-Seconds": "1.5"},
        )
    seen = samples(answer.text)
    assert seen[("farwatch_probe_outcome", "down", "timeout")] == 1
    assert 0.9 <= seen[("probe_duration_seconds",)] < 8


async def greeting(_reader: Reader, writer: Writer) -> None:
    """A server that speaks first, as SSH's do."""
    writer.write(b"SSH-2.0-Test\r\n")
    await writer.drain()
    writer.close()


async def test_ports_banners_hosts_and_resolvers_can_be_probed_too(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with (
        serving(greeting) as port,
        serving_dns({"a.example": ["A 192.0.2.1", "A 192.0.2.2"]}) as (_, resolver),
        plane.serving() as url,
        door(url, tmp_path, probe_door=True) as client,
    ):
        await until_async(lambda: _is(client, (200, "ok")), "it works")
        target = f"127.0.0.1:{port}"
        connected = samples((await client.get("/probe", params={"target": target, "module": "tcp_connect"})).text)
        greeted = samples((await client.get("/probe", params={"target": target, "module": "ssh_banner"})).text)
        question = {"target": f"{resolver[0]}:{resolver[1]}", "module": "dns", "name": "a.example", "type": "A"}
        answered = samples((await client.get("/probe", params=question)).text)
        echoed = samples((await client.get("/probe", params={"target": "127.0.0.1", "module": "icmp"})).text)
    assert connected[("probe_success",)] == greeted[("probe_success",)] == answered[("probe_success",)] == 1
    assert connected[("probe_duration_seconds",)] > 0
    assert greeted[("probe_failed_due_to_regex",)] == 0
    assert answered[("probe_dns_answer_rrs",)] == 2
    assert answered[("probe_dns_duration_seconds", "request")] > 0
    assert set(echoed) >= {("probe_icmp_duration_seconds", phase) for phase in ("resolve", "setup", "rtt")}
    if echoed[("probe_success",)]:  # not every machine lets a test send ICMP
        assert echoed[("probe_icmp_duration_seconds", "rtt")] > 0
    else:
        assert echoed[("farwatch_probe_outcome", "error", "incapable")] == 1


async def test_a_certificate_that_a_probe_saw_is_told_in_unix_time(tmp_path: Path) -> None:
    authority = trustme.CA()
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    plane = FakeControlPlane()
    async with (
        serving(targets.ok(), tls=server_tls(authority.issue_cert("127.0.0.1"))) as port,
        plane.serving() as url,
        door(url, tmp_path, probe_door=True, ca_file=str(file)) as client,
    ):
        await until_async(lambda: _is(client, (200, "ok")), "it works")
        seen = samples((await client.get("/probe", params={"target": f"https://127.0.0.1:{port}/"})).text)
    assert (seen[("probe_success",)], seen[("probe_http_ssl",)]) == (1, 1)
    assert seen[("probe_ssl_earliest_cert_expiry",)] > time.time()
    assert seen[("probe_tls_version_info", "TLS 1.3")] == 1
    assert seen[("probe_http_duration_seconds", "tls")] > 0


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({}, "target"),
        ({"target": "127.0.0.1", "module": "pop3s_banner"}, "http_2xx"),
        ({"target": "127.0.0.1", "module": "tcp_connect"}, "host:port"),
        ({"target": "127.0.0.1", "module": "dns"}, "name"),
    ],
)
async def test_a_probe_that_cannot_be_asked_for_says_why(tmp_path: Path, params: dict[str, str], told: str) -> None:
    async with FakeControlPlane().serving() as url, door(url, tmp_path, probe_door=True) as client:
        answer = await client.get("/probe", params=params)
    assert answer.status_code == 400
    assert told in answer.text


async def test_a_taken_port_is_a_setting_that_cannot_work(tmp_path: Path) -> None:
    async with serving(targets.ok()) as port:
        settings = AgentSettings(url="http://127.0.0.1:9", key=KEY, state_dir=str(tmp_path), metrics_port=port)
        with pytest.raises(SettingsError, match="METRICS_PORT"):
            await App(settings).run()


async def test_the_door_is_free_again_after_the_agent(tmp_path: Path) -> None:
    async with FakeControlPlane().serving() as url, door(url, tmp_path) as client:
        port = client.base_url.port
    assert port is not None
    await until(lambda: _is_free(port), "the port is free")


def _is_free(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
