"""A check that failed leaves no error behind in a circle of references, and with it no connection and no buffer."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from types import TracebackType

import pytest

from agent.checks import CHECKS
from agent.checks.check import CheckContext
from shared.checks import Check, kind_of
from shared.checks.dns import DnsCheck
from shared.checks.http import HttpCheck
from shared.checks.ping import PingCheck
from shared.checks.tcp import TcpCheck
from shared.checks.tls_cert import TlsCertCheck
from shared.results import Outcome
from tests.support import targets
from tests.support.http_checks import context
from tests.support.scripted_dns import serving_dns
from tests.support.targets import Reader, Writer, serving

NAMES = {"both.test": ["A 127.0.0.1", "AAAA ::1"]}


async def hang_up(reader: Reader, writer: Writer) -> None:
    await reader.read(1)
    writer.close()


@pytest.fixture
async def using() -> AsyncIterator[CheckContext]:
    async with serving_dns(NAMES) as (_, dns):
        yield context(dns=dns)


@pytest.fixture
async def rude() -> AsyncIterator[int]:
    """The port of a server that hangs up on the first byte."""
    async with serving(hang_up) as port:
        yield port


@pytest.fixture
async def silent() -> AsyncIterator[int]:
    async with serving(targets.silent) as port:
        yield port


def failing(rude: int, silent: int, closed: int) -> list[Check]:
    """Each way in which an error passes through a check: at a future, of one address or several, at the deadline."""
    here = "127.0.0.1"
    return [
        HttpCheck(url=f"http://{here}:{rude}/", timeout=3000),
        HttpCheck(url=f"http://both.test:{closed}/", timeout=3000),
        HttpCheck(url=f"http://{here}:{silent}/", timeout=200),
        TcpCheck(host=here, port=rude, send="x", expect="y", timeout=3000),
        TcpCheck(host="both.test", port=closed, timeout=3000),
        TcpCheck(host=here, port=silent, send="x", expect="y", timeout=200),
        TlsCertCheck(host=here, port=rude, timeout=3000),
        TlsCertCheck(host="both.test", port=closed, timeout=3000),
        TlsCertCheck(host=here, port=silent, timeout=200),
        DnsCheck(name="a.test", resolver=f"{here}:{closed}", timeout=3000),
        PingCheck(host="nowhere.test", timeout=3000),
    ]


def frame_of_ours(each: object) -> str | None:
    """The function of the agent's in which an error's traceback holds on to a frame."""
    if not isinstance(each, TracebackType):
        return None
    frame = each.tb_frame
    module: str = frame.f_globals.get("__name__", "")
    return f"{module}.{frame.f_code.co_name}" if module.startswith("agent.") else None


async def frames_in_circles(check: Check, using: CheckContext) -> list[str]:
    for _ in range(2):  # the first one fills caches and opens sockets
        gc.collect()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            seen = await CHECKS[kind_of(check)].run(check, using)
            await asyncio.sleep(0)
            gc.collect()
            found = [name for each in gc.garbage if (name := frame_of_ours(each)) is not None]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
        assert seen.outcome in (Outcome.DOWN, Outcome.ERROR)
    return found


@pytest.fixture
def spared() -> Iterator[None]:
    """What the tests before have left is not walked through again and again."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("spared")
async def test_no_error_is_left_to_the_collector(
    using: CheckContext, rude: int, silent: int, unused_tcp_port: int
) -> None:
    left = {str(check): await frames_in_circles(check, using) for check in failing(rude, silent, unused_tcp_port)}
    assert {check: frames for check, frames in left.items() if frames} == {}
