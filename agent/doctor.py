"""`farwatch-agent doctor`: is everything there that the agent needs, and if not, what to do."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from uuid import uuid4

from agent.app import make_client, make_hello
from agent.client import NotAccepted, Refused, Unreachable
from agent.health import canary_probes, resolver_probe
from agent.region import policy_of, resolver_for, servers_of
from agent.self_test import Probe
from agent.settings import AgentSettings
from shared.protocol import MAX_CLOCK_SKEW_MS

_FAILED, _AUTH, _UNREACHABLE = 1, 4, 5
_ENOUGH_DISK = 500_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    subject: str
    text: str
    exit_code: int = 0
    is_warning: bool = False

    @property
    def mark(self) -> str:
        return "FAIL" if self.exit_code else "warn" if self.is_warning else "ok"


async def examine(settings: AgentSettings) -> list[Finding]:
    findings = [_examine_disk(settings)]
    resolver = resolver_for(policy_of(()), settings)
    findings += [await _examine_probe("resolver", probe) for probe in map(resolver_probe, servers_of(settings))]
    findings += [await _examine_probe("canary", probe) for probe in canary_probes(settings.canaries, resolver)]
    if not settings.canaries:
        findings.append(Finding("canary", "none is set (FARWATCH_AGENT__CANARIES=host:port,…)", is_warning=True))
    return findings + await _examine_control_plane(settings)


def _examine_disk(settings: AgentSettings) -> Finding:
    try:
        settings.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=settings.directory) as file:
            os.write(file.fileno(), b"x")
        free = shutil.disk_usage(settings.directory).free
    except OSError as error:
        return Finding("disk", f"{settings.state_dir} cannot be written: {error.strerror}; use --state-dir", _FAILED)
    text = f"{settings.state_dir}, {free // 1_000_000} MB free"
    return Finding("disk", text, is_warning=free < _ENOUGH_DISK)


async def _examine_probe(subject: str, probe: Probe) -> Finding:
    """Without a first success it does not count, so its silence is a warning and nothing more."""
    await probe.run()
    if probe.trouble is None:
        return Finding(subject, f"{probe.name} answers")
    text = f"{probe.name} does not answer ({probe.trouble}); it is left out of self-tests until it does"
    return Finding(subject, text, is_warning=True)


async def _examine_control_plane(settings: AgentSettings) -> list[Finding]:
    if not settings.url or not settings.key:
        text = "none is set; run `farwatch-agent join URL --key KEY`"
        return [Finding("control plane", text, _FAILED)]
    async with make_client(settings) as client:
        before = time.time()
        try:
            welcome = await client.hello(make_hello(uuid4()))
        except Refused as refused:
            return [Finding("key", f"{refused}; ask the operator for a valid one", _AUTH)]
        except (Unreachable, NotAccepted) as error:
            return [Finding("control plane", str(error), _UNREACHABLE)]
        after = time.time()
    skew_ms = (before + after) * 500 - welcome.server_time
    clock = f"{abs(skew_ms):.0f} ms {'ahead of' if skew_ms > 0 else 'behind'} the control plane's"
    return [
        Finding("control plane", f"{settings.url} answers in {(after - before) * 1000:.0f} ms"),
        Finding("key", f"accepted: agent {welcome.agent_name} of region {welcome.region.id}"),
        Finding("clock", clock, is_warning=abs(skew_ms) > MAX_CLOCK_SKEW_MS),
    ]
