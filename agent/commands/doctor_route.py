"""The doctor's look at the control plane: the way there, its certificate, the key, how far it is, and its clock."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import uuid4

from agent.app import make_client, make_hello
from agent.commands.findings import Finding, fail, ok, warn
from agent.commands.join import is_running
from agent.link.client import Client, NotAccepted, Refused, Unreachable
from agent.link.route import proxy_for, trust
from agent.settings import AgentSettings
from agent.versions import agent_version
from shared.protocol import MAX_CLOCK_SKEW_MS, Hello, Welcome
from shared.settings import SettingsError

_FAILED, _AUTH, _UNREACHABLE = 1, 4, 5
_REQUESTS = 5
_NOTABLE_SKEW_MS = 1_000
_SLOW_MS = 1_000
_EXPIRING_DAYS = 14
_TLS_S = 10.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer to hello; the round trip and the clock's offset in ms."""

    welcome: Welcome
    round_trip: float
    offset: float


async def examine_control_plane(settings: AgentSettings) -> list[Finding]:
    if not settings.url or not settings.key:
        return [fail("control plane", "none is set", "run `farwatch-agent join URL --key KEY`")]
    try:
        proxy = proxy_for(settings.url, settings.proxy, os.environ)
        certificate = await _examine_certificate(settings, is_direct=proxy is None)
        client = make_client(settings)
    except SettingsError as error:
        return [fail("control plane", str(error), exit_code=2)]
    way = [ok("proxy", f"{urlsplit(proxy).hostname} stands between, for the agent's own traffic")] if proxy else []
    async with client:
        return way + certificate + await _examine_answers(settings, client)


async def _examine_answers(settings: AgentSettings, client: Client) -> list[Finding]:
    hello = make_hello(uuid4(), family=settings.ip)
    try:
        seen = [await _ask(client, hello) for _ in range(_REQUESTS)]
    except Refused as refused:
        return [fail("key", str(refused), refused.remedy, exit_code=_AUTH)]
    except Unreachable as error:
        return [fail("control plane", str(error), error.remedy, exit_code=_UNREACHABLE)]
    except NotAccepted as error:
        return [fail("version", f"the control plane {error}", "update the older of the two")]
    if not is_running(settings.directory):  # its own lease is not ours to end
        with contextlib.suppress(Refused, Unreachable, NotAccepted):
            await client.goodbye()
    return list(_concluded(settings, seen))


async def _ask(client: Client, hello: Hello) -> Seen:
    before = time.time()
    welcome = await client.hello(hello)
    after = time.time()
    return Seen(welcome, (after - before) * 1000, (before + after) * 500 - welcome.server_time)


def _concluded(settings: AgentSettings, seen: list[Seen]) -> Iterator[Finding]:
    welcome, trips = seen[0].welcome, [each.round_trip for each in seen]
    text = f"{settings.url} answers in {min(trips):.0f} ms at best, {statistics.median(trips):.0f} ms usually"
    if statistics.median(trips) > _SLOW_MS:
        yield warn("control plane", text, "results and re-checks are late by this much; choose a nearer address")
    else:
        yield ok("control plane", text)
    yield ok("key", f"accepted: agent {welcome.agent_name} of region {welcome.region.id}")
    yield ok("protocol", f"{welcome.protocol}, spoken by this agent ({agent_version()}) and the control plane")
    offset = min(seen, key=lambda each: each.round_trip).offset
    where = f"{abs(offset):.0f} ms {'ahead of' if offset > 0 else 'behind'} the control plane's"
    if abs(offset) > MAX_CLOCK_SKEW_MS:
        yield fail("clock", where, "set this machine's clock (timedatectl set-ntp true)")
    elif abs(offset) > _NOTABLE_SKEW_MS:
        yield warn("clock", where, "let NTP keep this machine's clock (timedatectl set-ntp true)")
    else:
        yield ok("clock", where)


async def _examine_certificate(settings: AgentSettings, *, is_direct: bool) -> list[Finding]:
    """How long the control plane's certificate is still good. What is wrong with it shows in the greeting."""
    parts = urlsplit(settings.url)
    if parts.scheme != "https":
        return [warn("tls", f"{settings.url} is not encrypted", "use https:// beyond this machine")]
    context = trust(settings.ca_file)
    if not is_direct:
        return []
    try:
        async with asyncio.timeout(_TLS_S):
            host, port = parts.hostname or "", parts.port or 443
            _reader, writer = await asyncio.open_connection(host, port, ssl=context)
    except (OSError, ValueError):
        return []
    certificate = writer.get_extra_info("peercert") or {}
    version = writer.get_extra_info("ssl_object").version()
    writer.close()
    return [_judged(certificate["notAfter"], version)]


def _judged(not_after: str, version: str) -> Finding:
    days = int((ssl.cert_time_to_seconds(not_after) - time.time()) // 86_400)
    text = f"the control plane's certificate is trusted and good for {days} days ({version})"
    if days < _EXPIRING_DAYS:
        return warn("tls", text, "have it renewed in time: without it no agent reports")
    return ok("tls", text)
