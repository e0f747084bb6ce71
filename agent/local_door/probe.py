"""/probe?target=…&module=…: one check for Prometheus, as blackbox_exporter is asked and as it answers.

The modules are those of blackbox_exporter's example configuration that a check of ours can stand for. The guard of this
agent's region applies. Nothing is reported to the control plane, and no self-test stands behind an answer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import TimeoutError as LoopTimeout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from agent.checks import CHECKS
from agent.checks.check import CheckOutcome
from agent.local_door.probe_metrics import render_outcome
from shared.checks import Check, kind_of
from shared.checks.dns import DnsCheck, RecordType
from shared.checks.http import HttpCheck, StatusBounds, StatusRange
from shared.checks.ping import PingCheck
from shared.checks.tcp import TcpCheck

if TYPE_CHECKING:
    from agent.local_door.watched import Watched

PROBES = 20
"""Probes under way at a time; more are turned away with 503, as the region's checks come first."""

DEFAULT_MODULE = "http_2xx"
_DEFAULT_S = 10.0
_MARGIN_S = 0.5
"""Prometheus has to have the answer before its own patience ends (blackbox_exporter's --timeout-offset)."""

_SHORTEST_S, _LONGEST_S = 0.5, 60.0
_GRACE_S = 2.0


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


Runs = Callable[[Coroutine[Any, Any, CheckOutcome | None], float], CheckOutcome | None]
"""Does work on the event loop from another thread, within so many seconds."""


class BadProbe(ValueError):
    """A probe that cannot be asked for like this."""


class ProbeDoor:
    def __init__(self, app: Watched) -> None:
        self._app = app
        self._places = threading.BoundedSemaphore(PROBES)

    def answer(self, query: Mapping[str, str], *, scrape_timeout: str | None, run: Runs) -> Reply:
        """The reply to one probe. Runs on a server thread."""
        try:
            timeout_s = timeout_of(scrape_timeout)
            check = check_of(query, timeout_ms=int(timeout_s * 1000))
        except BadProbe as error:
            return Reply(400, f"{error}\n".encode())
        if not self._places.acquire(blocking=False):
            return Reply(503, f"{PROBES} probes are under way; try again later\n".encode())
        try:
            outcome = run(self._examine(check), timeout_s + _GRACE_S)
        except LoopTimeout:
            return Reply(503, b"This agent is too busy to probe\n")
        finally:
            self._places.release()
        if outcome is None:
            return Reply(503, b"The control plane has not told this agent yet what it may reach\n")
        return Reply(200, render_outcome(check, outcome), "text/plain; version=0.0.4; charset=utf-8")

    async def _examine(self, check: Check) -> CheckOutcome | None:
        session = self._app.session
        if session is None or session.refusal is not None:
            return None
        return await CHECKS[kind_of(check)].run(check, session.context)


def timeout_of(scrape_timeout: str | None) -> float:
    """Seconds for the check, by the header X-Prometheus-Scrape-Timeout-Seconds. Raises BadProbe."""
    if scrape_timeout is None:
        return _DEFAULT_S
    try:
        given = float(scrape_timeout)
    except ValueError:
        raise BadProbe("X-Prometheus-Scrape-Timeout-Seconds is no number of seconds") from None
    if not 0 < given < float("inf"):
        raise BadProbe("X-Prometheus-Scrape-Timeout-Seconds must be above 0")
    return min(max(given - _MARGIN_S, _SHORTEST_S), _LONGEST_S)


def check_of(query: Mapping[str, str], *, timeout_ms: int) -> Check:
    """The check that module and target stand for. Raises BadProbe."""
    target = query.get("target", "")
    if not target:
        raise BadProbe("The parameter target is missing")
    name = query.get("module", DEFAULT_MODULE)
    if name not in MODULES:
        raise BadProbe(f"There is no module {name!r}; there are {', '.join(sorted(MODULES))}")
    check = MODULES[name](target, query, timeout_ms)
    if kind_of(check) not in CHECKS:
        raise BadProbe(f"This agent cannot run the module {name!r}")
    return check


def _http(target: str, _query: Mapping[str, str], timeout_ms: int) -> Check:
    return _http_check(target, timeout_ms, is_post=False)


def _http_post(target: str, _query: Mapping[str, str], timeout_ms: int) -> Check:
    return _http_check(target, timeout_ms, is_post=True)


def _http_check(target: str, timeout_ms: int, *, is_post: bool) -> HttpCheck:
    """Without a scheme it is http://, as blackbox_exporter has it."""
    return HttpCheck(
        url=target if target.lower().startswith(("http://", "https://")) else f"http://{target}",
        method="POST" if is_post else "GET",
        expected_status=StatusRange(StatusBounds(200, 299)),
        cert_warn_days=None,
        timeout=timeout_ms,
    )


def _tcp(target: str, _query: Mapping[str, str], timeout_ms: int) -> Check:
    host, port = host_and_port(target)
    return TcpCheck(host=host, port=port, timeout=timeout_ms)


def _ssh(target: str, _query: Mapping[str, str], timeout_ms: int) -> Check:
    host, port = host_and_port(target)
    return TcpCheck(host=host, port=port, timeout=timeout_ms, expect="SSH-2.0-")


def _icmp(target: str, _query: Mapping[str, str], timeout_ms: int) -> Check:
    return PingCheck(host=target, count=1, max_loss_pct=0, timeout=timeout_ms)


def _dns(target: str, query: Mapping[str, str], timeout_ms: int) -> Check:
    """The target is the server; what it is asked stands in the module's configuration there, and in the query here."""
    name, wanted = query.get("name", ""), query.get("type", "A").upper()
    if not name:
        raise BadProbe("The module dns needs the parameter name: what to ask the target for (and type, default A)")
    try:
        record_type: RecordType = msgspec.convert(wanted, RecordType)
    except msgspec.ValidationError:
        raise BadProbe(f"There is no record type {wanted}") from None
    return DnsCheck(name=name, record_type=record_type, resolver=target, timeout=timeout_ms)


def host_and_port(target: str) -> tuple[str, int]:
    """`host:port` or `[address]:port`. Raises BadProbe."""
    host, colon, port = target.rpartition(":")
    if not colon or not host or not (port.isascii() and port.isdigit()) or not 0 < int(port[:6]) < 65_536:
        raise BadProbe("The target must be host:port")
    return host.removeprefix("[").removesuffix("]"), int(port)


MODULES: dict[str, Callable[[str, Mapping[str, str], int], Check]] = {
    "http_2xx": _http,
    "http_post_2xx": _http_post,
    "tcp_connect": _tcp,
    "ssh_banner": _ssh,
    "icmp": _icmp,
    "dns": _dns,
}
