"""The list of RDAP servers: fetched when first needed, shared, kept on disk, renewed daily, not lost to a failure."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from agent.classify import Failure
from agent.rdap.servers import CACHE, FRESH_S, RETRY_S, ListUnavailable, RdapServers
from shared.results import Outcome, Reason

URL = "https://list.example/dns.json"


class Source:
    """Where the list comes from. `document` None: it cannot be fetched. `gate`: it waits until that is set."""

    def __init__(self, *suffixes: str) -> None:
        self.fetched = 0
        self.document: bytes | None = document(*suffixes)
        self.gate = asyncio.Event()
        self.gate.set()

    async def fetch(self, url: str) -> bytes:
        assert url == URL
        self.fetched += 1
        await self.gate.wait()
        if self.document is None:
            raise ListUnavailable(Failure(Outcome.ERROR, Reason.UPSTREAM, "it is away"))
        return self.document


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def document(*suffixes: str) -> bytes:
    return json.dumps({"services": [[[suffix], [f"https://{suffix}.example/"]] for suffix in suffixes]}).encode()


def servers(clock: Clock, *, path: Path | None = None, url: str = URL) -> RdapServers:
    return RdapServers(url=url, path=path, now_s=clock)


async def settle() -> None:
    """Let what runs in the background end."""
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others, timeout=10)


async def test_the_list_is_fetched_at_the_first_need_and_kept() -> None:
    source, known = Source("com"), servers(Clock())
    assert source.fetched == 0
    for _ in range(3):
        assert await known.find("a.com", fetch=source.fetch) == ("https://com.example/",)
    assert await known.find("a.org", fetch=source.fetch) == ()
    assert source.fetched == 1


async def test_many_that_ask_at_once_share_one_fetch() -> None:
    source, known = Source("com"), servers(Clock())
    source.gate.clear()
    asking = [asyncio.create_task(known.find("a.com", fetch=source.fetch)) for _ in range(50)]
    await asyncio.sleep(0)
    source.gate.set()
    assert set(await asyncio.gather(*asking)) == {("https://com.example/",)}
    assert source.fetched == 1


async def test_a_fetch_goes_on_when_the_one_that_began_it_gives_up() -> None:
    source, known = Source("com"), servers(Clock())
    source.gate.clear()
    first = asyncio.create_task(known.find("a.com", fetch=source.fetch))
    second = asyncio.create_task(known.find("a.com", fetch=source.fetch))
    await asyncio.sleep(0)
    first.cancel()
    source.gate.set()
    assert await second == ("https://com.example/",)
    assert first.cancelled()
    assert source.fetched == 1


async def test_a_list_of_a_day_is_renewed_while_the_old_one_answers() -> None:
    source, clock = Source("com"), Clock()
    known = servers(clock)
    await known.find("a.com", fetch=source.fetch)
    clock.now += FRESH_S - 1
    await known.find("a.com", fetch=source.fetch)
    assert source.fetched == 1

    clock.now += 1
    source.gate.clear()
    assert await known.find("a.com", fetch=source.fetch) == ("https://com.example/",)
    source.document = document("com", "new")
    source.gate.set()
    assert await known.find("a.new", fetch=source.fetch) == ("https://new.example/",)
    assert source.fetched == 2


async def test_an_old_list_is_used_while_its_renewal_fails() -> None:
    source, clock = Source("com"), Clock()
    known = servers(clock)
    await known.find("a.com", fetch=source.fetch)
    for broken in (None, b"<html>", document()):
        clock.now += 10 * FRESH_S
        source.document = broken
        assert await known.find("a.com", fetch=source.fetch) == ("https://com.example/",)
        await settle()
        assert await known.find("a.com", fetch=source.fetch) == ("https://com.example/",)
        assert await known.find("a.org", fetch=source.fetch) == ()
    assert source.fetched == 4


async def test_without_any_list_the_failure_is_told_and_the_next_try_waits() -> None:
    source, clock = Source(), Clock()
    known = servers(clock)
    source.document = None
    for _ in range(5):
        with pytest.raises(ListUnavailable, match="it is away"):
            await known.find("a.com", fetch=source.fetch)
    assert source.fetched == 1

    clock.now += RETRY_S
    source.document = b"{}"
    with pytest.raises(ListUnavailable, match=f"The list of RDAP servers at {URL} names no server"):
        await known.find("a.com", fetch=source.fetch)
    clock.now += RETRY_S
    source.document = document("com")
    assert await known.find("a.com", fetch=source.fetch) == ("https://com.example/",)


async def test_a_clock_that_is_set_back_costs_a_fetch_and_no_list() -> None:
    source, clock = Source("com"), Clock()
    known = servers(clock)
    await known.find("a.com", fetch=source.fetch)
    clock.now -= 1000 * FRESH_S
    assert await known.find("a.com", fetch=source.fetch) == ("https://com.example/",)
    await settle()
    await known.find("a.com", fetch=source.fetch)
    await settle()
    assert source.fetched == 2


# -- the disk


async def test_a_restart_does_not_fetch_again_within_the_day(tmp_path: Path) -> None:
    source, clock = Source("com"), Clock()
    await servers(clock, path=tmp_path / CACHE).find("a.com", fetch=source.fetch)
    clock.now += FRESH_S / 2
    restarted = servers(clock, path=tmp_path / CACHE)
    assert await restarted.find("a.com", fetch=source.fetch) == ("https://com.example/",)
    await settle()
    assert source.fetched == 1
    assert os.listdir(tmp_path) == [CACHE]


async def test_an_old_list_on_disk_answers_while_no_other_can_be_had(tmp_path: Path) -> None:
    source, clock = Source("com"), Clock()
    await servers(clock, path=tmp_path / CACHE).find("a.com", fetch=source.fetch)
    clock.now += 30 * FRESH_S
    source.document = None
    restarted = servers(clock, path=tmp_path / CACHE)
    assert await restarted.find("a.com", fetch=source.fetch) == ("https://com.example/",)
    await settle()
    assert source.fetched == 2


async def test_the_list_of_another_source_is_not_taken_from_disk(tmp_path: Path) -> None:
    source, clock = Source("com"), Clock()
    await servers(clock, path=tmp_path / CACHE).find("a.com", fetch=source.fetch)
    other = servers(clock, path=tmp_path / CACHE, url="https://mirror.example/dns.json")

    async def fetch(url: str) -> bytes:
        assert url == "https://mirror.example/dns.json"
        return document("org")

    assert await other.find("a.com", fetch=fetch) == ()
    assert await other.find("a.org", fetch=fetch) == ("https://org.example/",)


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"{}\n{}", b"\xff\x00", b'{"url":"https://list.example/dns.json","fetched_at":1}\n{}', b"[" * 10_000],
)
async def test_a_file_that_cannot_be_read_is_fetched_anew(content: bytes, tmp_path: Path) -> None:
    (tmp_path / CACHE).write_bytes(content)
    source = Source("com")
    known = servers(Clock(), path=tmp_path / CACHE)
    assert await known.find("a.com", fetch=source.fetch) == ("https://com.example/",)
    assert source.fetched == 1
    assert (tmp_path / CACHE).read_bytes().endswith(source.document or b"?")


async def test_a_disk_that_cannot_be_written_to_does_not_stop_the_check(tmp_path: Path) -> None:
    source = Source("com")
    known = servers(Clock(), path=tmp_path / "missing" / CACHE)
    for _ in range(2):
        assert await known.find("a.com", fetch=source.fetch) == ("https://com.example/",)
    assert source.fetched == 1
