"""Whatever a message says, each chat takes it: within its limits, and as the text that it is."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_plane.domain.alerting.message_words import Fact, Words
from control_plane.notify import discord_embeds, google_chat, msteams, slack_blocks
from tests.support import vendor_discord, vendor_google_chat, vendor_msteams, vendor_slack
from tests.support.messages import a_message
from tests.support.vendors import Request

_SIGNS = st.sampled_from(
    [*"<>&|*_~`[]()\\@#:\"'/ \n\t", "<!here>", "&amp;", "&lt", "😀", "\u202e", "\ud800", "\x00", "é"]
)
_TEXTS = st.builds(lambda parts, times: "".join(parts) * times, st.lists(_SIGNS, max_size=12), st.integers(1, 6000))


def words_of(title: str, text: str, facts: tuple[Fact, ...] = (), **over: Any) -> Words:
    return Words(title=title, text=text, summary=text, facts=facts, tone="alarm", **over)


def refused_by(words: Words) -> Mapping[str, str]:
    """What each of the chats says against it."""
    message = msgspec.structs.replace(a_message(), words=words)
    as_sent: Any = msgspec.json.decode(msgspec.json.encode(slack_blocks.payload(words)))
    query = {"key": vendor_google_chat.KEY, "token": "o7Gq2-rYtPz_x1="}
    posted = Request(
        "POST",
        vendor_google_chat.HOST,
        vendor_google_chat.PATH,
        query,
        {"content-type": "application/json"},
        google_chat.document(message),
    )
    card = msteams.document(words)
    embed: Any = msgspec.json.decode(msgspec.json.encode(discord_embeds.payload(words)))
    taken = vendor_google_chat.GoogleChatJudge()(posted)
    said = {
        "slack": vendor_slack.message_error(as_sent),
        "discord": vendor_discord.message_error(embed),
        "msteams": "" if len(card) <= 28 * 1024 and vendor_msteams.card_of(card) else f"{len(card)} bytes",
        "google_chat": "" if taken.status == 200 else f"{taken.status}, {len(posted.body)} bytes",
    }
    return {chat: word for chat, word in said.items() if word}


@settings(max_examples=60, deadline=None)
@given(_TEXTS, _TEXTS, st.lists(st.builds(Fact, _TEXTS, _TEXTS), max_size=30))
def test_any_words_are_taken_by_every_chat(title: str, text: str, facts: list[Fact]) -> None:
    assert refused_by(words_of(title, text, tuple(facts))) == {}


@pytest.mark.parametrize(
    "sign", ["x", "<", "&", "\\", "é", "字", "😀", "\n", " ", "\ud800", "\x00", '"'], ids=range(12)
)
def test_the_longest_words_are_taken_by_every_chat(sign: str) -> None:
    facts = tuple(Fact(sign * 3000, sign * 10_000) for _ in range(60))
    links = {"url": f"https://a.example/{'x' * 500}", "acknowledge_url": f"https://a.example/{'y' * 500}"}
    assert refused_by(words_of(sign * 50_000, sign * 200_000, facts, **links)) == {}


def test_nothing_at_all_is_taken_by_every_chat() -> None:
    assert refused_by(words_of("", "", (Fact("", ""),))) == {}


def test_what_is_cut_says_so() -> None:
    made = slack_blocks.payload(words_of("t", "&" * 5000))
    texts = [block["text"]["text"] for block in made["blocks"]]
    assert texts[1].endswith("&amp;…")
    assert len(list(chain.from_iterable(texts))) <= 3000 + 150
