"""A registry on loopback: IANA's list of RDAP servers and the servers themselves, real HTTP, answers as scripted."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from agent.checks import CHECKS
from agent.checks.check import CheckContext, CheckOutcome
from agent.rdap.servers import RdapServers
from shared.checks.domain_expiry import DomainExpiryCheck
from shared.results import Outcome, Reason
from tests.support import targets
from tests.support.http_checks import context
from tests.support.targets import Reader, Target, Writer, serving

DAY_S = 86_400
DOMAIN = "example.test"


def rdap_date(days: float) -> str:
    """RFC 3339, so many days from now."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + days * DAY_S))


def registration(domain: str = DOMAIN, *, days: float | None = 200, **changes: Any) -> dict[str, Any]:
    """An answer in the shape of RFC 9083; `days` until it expires, None for no such event."""
    events = [{"eventAction": "registration", "eventDate": "2001-02-03T04:05:06Z"}]
    if days is not None:
        events.append({"eventAction": "expiration", "eventDate": rdap_date(days)})
    registrar = {
        "objectClassName": "entity",
        "handle": "9999",
        "roles": ["registrar"],
        "vcardArray": ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", "Good Names Ltd"]]],
    }
    answer: dict[str, Any] = {
        "rdapConformance": ["rdap_level_0"],
        "objectClassName": "domain",
        "ldhName": domain.upper(),
        "status": ["active", "client transfer prohibited"],
        "events": events,
        "entities": [registrar],
    }
    return answer | changes


def rdap(answer: Any, *, status: str = "200 OK", headers: dict[str, str] | None = None) -> Target:
    """Answers with this as application/rdap+json; bytes go out as they are."""
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return targets.ok(body, status=status, headers={"Content-Type": "application/rdap+json", **(headers or {})})


class Registry:
    """`domains`: what is answered about a name, by default 404. `listing`: what the list's URL answers."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.heads: list[bytes] = []
        self.domains: dict[str, Target] = {DOMAIN: rdap(registration())}
        self.listing: Target = targets.hang_up
        self.base = ""
        self.on_request: Callable[[str], None] = lambda _path: None

    @property
    def list_url(self) -> str:
        return f"{self.base}/dns.json"

    @property
    def lists_fetched(self) -> int:
        return self.asked.count("/dns.json")

    def serve_list(self, services: Any) -> None:
        self.listing = rdap({"version": "1.0", "services": services}, headers={"Content-Type": "application/json"})

    async def answer(self, reader: Reader, writer: Writer) -> None:
        head = await targets.request_of(reader)
        path = head.split(b" ")[1].decode()
        self.heads.append(head)
        self.asked.append(path)
        self.on_request(path)
        again = asyncio.StreamReader()  # the chosen target reads the request for itself
        again.feed_data(head)
        await self._target(path)(again, writer)

    def _target(self, path: str) -> Target:
        if path == "/dns.json":
            return self.listing
        unknown = rdap({"errorCode": 404, "title": "No such object"}, status="404 Not Found")
        return self.domains.get(path.removeprefix("/rdap/domain/"), unknown)


@asynccontextmanager
async def registry(*, tls: ssl.SSLContext | None = None) -> AsyncIterator[Registry]:
    """One server that is both the list's and that of .test."""
    served = Registry()
    async with serving(served.answer, tls=tls) as port:
        served.base = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        served.serve_list([[["test"], [f"{served.base}/rdap/"]]])
        yield served


def asking(
    served: Registry,
    *,
    using: CheckContext | None = None,
    path: Path | None = None,
    now_s: Callable[[], float] = time.time,
) -> CheckContext:
    """A context whose list of RDAP servers is this registry's."""
    rdap_servers = RdapServers(url=served.list_url, path=path, now_s=now_s)
    return dataclasses.replace(using or context(), rdap=rdap_servers)


async def expiry(using: CheckContext, domain: str = DOMAIN, **options: Any) -> CheckOutcome:
    check = DomainExpiryCheck(domain=domain, **{"timeout": 20_000, **options})
    return await CHECKS["domain_expiry"].run(check, using)


def verdict(outcome: CheckOutcome) -> tuple[Outcome, Reason]:
    return outcome.outcome, outcome.reason


def message(outcome: CheckOutcome) -> str:
    assert outcome.detail.message is not None
    return outcome.detail.message


def sum_of_phases(outcome: CheckOutcome) -> float:
    return sum(filter(None, (outcome.dns, outcome.connect, outcome.tls, outcome.ttfb, outcome.download)))


async def answered(target: Target, **options: Any) -> CheckOutcome:
    """The outcome when the registry answers like this."""
    async with registry() as served:
        served.domains[DOMAIN] = target
        return await expiry(asking(served), **options)
