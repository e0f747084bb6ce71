"""Feeds below Settings: made, shown once, rotated, deleted."""

from __future__ import annotations

import re
from html import unescape

import httpx
import pytest

from tests.support.dashboard import Desk, post

HERE = "/app/settings/feeds"
ADDRESS = re.compile(r'<code id="feed-(?:atom|rss|ics)"[^>]*>([^<]+)</code>')
ONE = re.compile(rf"{HERE}/([0-9a-f-]{{36}})/rotate")


def addresses(page: str) -> list[str]:
    return [unescape(each) for each in ADDRESS.findall(page)]


async def statuses(desk: Desk, urls: list[str]) -> list[int]:
    async with desk.browser() as reader:
        return [(await reader.get(url)).status_code for url in urls]


async def test_a_feed_is_read_by_addresses_shown_once_until_it_is_deleted(desk: Desk, http: httpx.AsyncClient) -> None:
    empty = (await http.get(HERE)).text
    assert "Each feed has three addresses" in empty
    assert '<a href="/app/settings/feeds" aria-current="page">Feeds</a>' in empty
    made = await post(http, HERE, page=HERE, name="Chat of the <team>")
    assert made.status_code == 200, made.text
    first = addresses(made.text)
    assert [url.rpartition(".")[2] for url in first] == ["atom", "rss", "ics"]
    assert await statuses(desk, first) == [200, 200, 200]
    again = (await http.get(HERE)).text
    assert addresses(again) == []
    assert "Chat of the &lt;team&gt;" in again
    assert "Last fetched" in again
    found = ONE.search(again)
    assert found is not None
    rotated = await post(http, f"{HERE}/{found[1]}/rotate", page=HERE)
    assert await statuses(desk, addresses(rotated.text)) == [200, 200, 200]
    assert await statuses(desk, first) == [200, 200, 200], "they count for five minutes more"
    gone = await post(http, f"{HERE}/{found[1]}/delete", page=HERE)
    assert gone.headers["Location"] == f"{HERE}?said=deleted"
    assert await statuses(desk, [*first, *addresses(rotated.text)]) == [404] * 6
    for verb in ("rotate", "delete"):
        assert (await post(http, f"{HERE}/{found[1]}/{verb}", page=HERE)).status_code == 404


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [("", 400, "1 to 100"), ("Taken", 409, "Taken"), ("x" * 101, 400, "1 to 100")],
    ids=["none", "taken", "long"],
)
async def test_a_refused_feed_says_why_and_keeps_what_was_typed(
    *, name: str, status: int, said: str, http: httpx.AsyncClient
) -> None:
    await post(http, HERE, page=HERE, name="Taken")
    refused = await post(http, HERE, page=HERE, name=name)
    assert refused.status_code == status
    assert said in refused.text
    assert f'value="{name}"' in refused.text
    assert addresses(refused.text) == []


async def test_who_may_only_read_makes_none(desk: Desk, http: httpx.AsyncClient) -> None:
    await post(http, HERE, page=HERE, name="Chat")
    async with desk.served.tenant() as api:
        key = (await api.post("/api/v1/keys", json={"label": "Reader", "scopes": ["feeds:read"]})).json()["key"]
    async with desk.signed_in(key) as reader:
        text = (await reader.get(HERE)).text
        assert "Chat" in text
        assert "Make a feed" not in text
        assert (await post(reader, HERE, page="/app/sessions", name="Mine")).status_code == 403
