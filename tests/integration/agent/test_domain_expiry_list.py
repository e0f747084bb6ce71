"""The list of RDAP servers in the `domain_expiry` check: what it may say, and what happens when it cannot be had."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest

from agent.link.server_clock import ServerClock
from agent.rdap.servers import CACHE
from agent.region import context_for
from agent.settings import AgentSettings, load_settings
from agent.tls.contexts import TlsContexts
from shared.protocol import RegionGrant
from shared.results import Outcome, Reason
from shared.settings import SettingsError
from tests.support import targets
from tests.support.rdap_server import DOMAIN, asking, expiry, message, rdap, registration, registry, verdict
from tests.support.targets import Target, serving

ROOT = Path(__file__).parents[3]

UP = (Outcome.UP, Reason.NONE)
UPSTREAM = (Outcome.ERROR, Reason.UPSTREAM)
INCAPABLE = (Outcome.ERROR, Reason.INCAPABLE)


async def test_a_domain_whose_suffix_is_not_listed_leaves_us_incapable() -> None:
    async with registry() as served:
        seen = await expiry(asking(served), "example.xy")
        assert served.asked == ["/dns.json"]
    assert verdict(seen) == INCAPABLE
    assert message(seen) == "There is no RDAP server for .xy"


async def test_the_longest_suffix_names_the_server() -> None:
    async with registry() as inner, registry() as outer:
        inner.domains["example.co.test"] = rdap(registration("example.co.test"))
        outer.serve_list([[["test"], [f"{outer.base}/rdap/"]], [["co.test"], [f"{inner.base}/rdap/"]]])
        using = asking(outer)
        assert verdict(await expiry(using, "example.co.test")) == UP
        assert verdict(await expiry(using)) == UP
        assert inner.asked == ["/rdap/domain/example.co.test"]
        assert outer.asked == ["/dns.json", f"/rdap/domain/{DOMAIN}"]


async def test_many_checks_share_one_fetch_of_the_list() -> None:
    async with registry() as served:
        using = asking(served)
        seen = await asyncio.gather(*(expiry(using) for _ in range(20)))
        assert {verdict(outcome) for outcome in seen} == {UP}
        assert served.lists_fetched == 1


async def test_a_restarted_agent_finds_the_list_on_its_disk(tmp_path: Path) -> None:
    async with registry() as served:
        for _ in range(2):
            assert verdict(await expiry(asking(served, path=tmp_path / CACHE))) == UP
        assert served.lists_fetched == 1


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (rdap({"services": []}), "names no server"),
        (rdap({"services": {"test": "x"}}), "names no server"),
        (rdap([]), "is not a JSON object"),
        (rdap(b"<html>"), "is not JSON"),
        (rdap(b"[" * 500_000), "is not JSON"),
        (rdap(b'{"services": [' + b" " * 2_000_000), "is longer than 1024 KiB"),
        (targets.endless, "is longer than 1024 KiB"),
        (targets.gzip_bomb, "is longer than 1024 KiB"),
        (rdap(b"plain", headers={"Content-Encoding": "gzip"}), "cannot be read: The body is not valid gzip"),
        (rdap({}, status="404 Not Found"), "answered HTTP 404"),
        (rdap({}, status="500 Oops"), "answered HTTP 500"),
        (rdap({}, status="429 Slow", headers={"Retry-After": "9"}), "may be asked again in 9 seconds"),
        (targets.hang_up, "cannot be fetched: the server closed the connection without an answer"),
        (targets.redirect("/dns.json"), "cannot be fetched: more than 5 redirects"),
        (targets.redirect("ftp://x/"), "cannot be fetched: the redirect is not followed"),
    ],
)
async def test_a_list_that_cannot_be_used_leaves_us_unable_to_judge(target: Target, words: str) -> None:
    async with registry() as served:
        served.listing = target
        seen = await expiry(asking(served))
    assert verdict(seen) == UPSTREAM, seen.detail.message
    assert message(seen).startswith(f"The list of RDAP servers at {served.list_url} ")
    assert words in message(seen)
    assert seen.total is None


async def test_a_list_that_nobody_serves_is_upstream() -> None:
    async with registry() as served:
        pass
    seen = await expiry(asking(served))
    assert verdict(seen) == UPSTREAM
    assert message(seen).endswith("cannot be fetched: the connection was refused")


async def test_a_list_that_does_not_come_ends_at_the_timeout_and_may_come_later() -> None:
    async with registry() as served:
        listing, gate = served.listing, asyncio.Event()

        async def gated(reader: targets.Reader, writer: targets.Writer) -> None:
            await gate.wait()
            await listing(reader, writer)

        served.listing = gated
        using = asking(served)
        async with asyncio.timeout(30):
            seen = await expiry(using, timeout=1000)
        assert verdict(seen) == UPSTREAM
        assert message(seen) == "Timed out after 1000 ms during the search for the RDAP server"
        gate.set()
        assert verdict(await expiry(using)) == UP
        assert served.lists_fetched == 1


async def test_a_moved_and_compressed_list_is_read() -> None:
    async with registry() as served:
        body = gzip.compress(json.dumps({"services": [[["TEST"], [f"{served.base}/rdap"]]]}).encode())
        async with serving(targets.ok(body, headers={"Content-Encoding": "gzip"})) as port:
            served.listing = targets.redirect(f"http://127.0.0.1:{port}/moved.json", 301)
            assert verdict(await expiry(asking(served))) == UP


async def test_the_agents_settings_name_the_list_and_where_it_is_kept(tmp_path: Path) -> None:
    async with registry() as served:
        settings = AgentSettings(state_dir=str(tmp_path), rdap_bootstrap=served.list_url, resolvers=("127.0.0.1:9",))
        region = RegionGrant(id="local", name="here", allow_cidrs=("127.0.0.0/8",))
        using = context_for(region, settings, tls=TlsContexts(), clock=ServerClock())
        assert verdict(await expiry(using)) == UP
        assert served.lists_fetched == 1
    assert (tmp_path / CACHE).is_file()


async def test_a_check_by_hand_keeps_what_it_says_of_the_list_apart_from_its_data(tmp_path: Path) -> None:
    async with registry() as served:
        served.listing = targets.hang_up
        settings = {
            "FARWATCH_AGENT__RDAP_BOOTSTRAP": served.list_url,
            "FARWATCH_AGENT__RESOLVERS": "127.0.0.1:9",
            "FARWATCH_AGENT__STATE_DIR": str(tmp_path / "none"),
        }
        words = ("check", f"domain://{DOMAIN}", "--allow-cidr", "127.0.0.0/8", "-o", "json")
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "agent", *words, env=os.environ | settings, cwd=ROOT, stdout=PIPE, stderr=PIPE
        )
        async with asyncio.timeout(60):
            data, talk = await child.communicate()
    assert child.returncode == 1
    assert json.loads(data)["reason"] == "upstream"
    assert b"cannot be renewed" in talk


@pytest.mark.parametrize(("value", "is_taken"), [("https://mirror.example/dns.json", True), ("mirror.example", False)])
def test_the_setting_is_a_web_address(value: str, is_taken: bool, tmp_path: Path) -> None:
    def load() -> Any:
        return load_settings({"FARWATCH_AGENT__RDAP_BOOTSTRAP": value}, state_dir=str(tmp_path))

    if is_taken:
        assert load().rdap_bootstrap == value
    else:
        with pytest.raises(SettingsError, match="RDAP_BOOTSTRAP"):
            load()
