"""A name that does not resolve: the target's trouble only once a resolver has shown that it is not ours."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import dns.rcode
import pytest

from agent.app import App
from agent.settings import AgentSettings
from shared.checks import Check
from shared.checks.dns import DnsCheck
from shared.checks.http import HttpCheck
from shared.protocol import Assignment
from shared.results import CheckResult, Outcome, Reason
from tests.support import targets
from tests.support.fake_control_plane import KEY, FakeControlPlane
from tests.support.scripted_dns import ScriptedDns, serving_dns
from tests.support.targets import serving
from tests.support.waiting import until

NAME = "site.example"
HOUR = 3_600_000


async def first_result(
    directory: Path, script: Callable[[ScriptedDns], None], *, host: str = NAME, asks_dns: bool = False
) -> CheckResult:
    """What an agent says of the first check of its life."""
    plane = FakeControlPlane()
    async with serving(targets.ok()) as port, serving_dns({NAME: ["A 127.0.0.1"]}) as (dns_server, (_, dns_port)):
        script(dns_server)
        now = int(time.time() * 1000)
        check: Check = HttpCheck(url=f"http://{host}:{port}/", timeout=1000)
        if asks_dns:
            check = DnsCheck(name=host, timeout=1000)
        plane.assign(Assignment(uuid4(), uuid4(), 1, 1, check, HOUR, 0, now))
        async with plane.serving() as url:
            resolvers = (f"127.0.0.1:{dns_port}",)
            app = App(AgentSettings(url=url, key=KEY, state_dir=str(directory), resolvers=resolvers))
            task = asyncio.create_task(app.run())
            try:
                await until(lambda: plane.stored and plane.observations, "a result is stored")
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
    return next(iter(plane.stored.values()))


def silent(script: ScriptedDns) -> None:
    script.silent = True


def servfail(script: ScriptedDns) -> None:
    script.rcode_of_all = dns.rcode.SERVFAIL


def refused(script: ScriptedDns) -> None:
    script.rcode_of_all = dns.rcode.REFUSED


def only_this_one_broken(script: ScriptedDns) -> None:
    script.rcodes[NAME] = dns.rcode.SERVFAIL


def only_this_one_unanswered(script: ScriptedDns) -> None:
    script.silent_about.add(NAME)


def nxdomain(script: ScriptedDns) -> None:
    del script.records[NAME]


def no_addresses(script: ScriptedDns) -> None:
    script.records[NAME] = []


def fine(_script: ScriptedDns) -> None: ...


CASES = [
    (silent, Outcome.ERROR, Reason.UNHEALTHY),
    (servfail, Outcome.ERROR, Reason.UNHEALTHY),
    (refused, Outcome.ERROR, Reason.UNHEALTHY),
    (only_this_one_broken, Outcome.DOWN, Reason.DNS),
    (only_this_one_unanswered, Outcome.DOWN, Reason.TIMEOUT),
    (nxdomain, Outcome.DOWN, Reason.DNS),
    (no_addresses, Outcome.DOWN, Reason.DNS),
    (fine, Outcome.UP, Reason.NONE),
]


@pytest.mark.parametrize("asks_dns", [False, True], ids=["http", "dns"])
@pytest.mark.parametrize(("script", "outcome", "reason"), CASES)
async def test_an_agent_whose_first_question_fails_blames_a_target_only_when_a_resolver_works(
    tmp_path: Path, script: Callable[[ScriptedDns], None], outcome: Outcome, reason: Reason, asks_dns: bool
) -> None:
    seen = await first_result(tmp_path, script, asks_dns=asks_dns)
    assert (seen.outcome, seen.reason) == (outcome, reason), seen.detail


async def test_a_check_without_a_name_sends_no_question_even_when_it_fails(tmp_path: Path) -> None:
    asked: list[str] = []

    def script(server: ScriptedDns) -> None:
        server.asked = asked

    seen = await first_result(tmp_path, script, host="127.0.0.2")
    assert seen.outcome is Outcome.DOWN
    assert asked == []
