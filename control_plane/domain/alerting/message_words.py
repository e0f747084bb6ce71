"""What a message says, before any vendor's form: made by notify/render.py, the same for every channel. Pure."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Tone = Literal["alarm", "note", "relief"]
"""How a message is meant: something is wrong and urgent, something is to be known, something is well again."""

Phase = Literal["open", "update", "resolve", "event", "test", "digest"]
"""Where in an incident's life it stands; for receivers that keep incidents of their own."""


class Fact(Struct, frozen=True):
    """One labelled line, such as Since: 14:03 UTC."""

    label: str
    value: str


class Words(Struct, frozen=True, kw_only=True):
    """A message for people.

    `title` says in one line what happened to whom; `text` the rest, in plain lines, `facts` included; `summary` is the
    same without them, for vendors that show facts as a table. `url` leads to the incident, where there is one and the
    installation knows its address; `acknowledge_url` to a page whose button acknowledges it.
    """

    title: str
    text: str
    tone: Tone
    phase: Phase = "open"
    summary: str = ""
    facts: tuple[Fact, ...] = ()
    severity: str | None = None
    url: str | None = None
    acknowledge_url: str | None = None
