"""Messages to subscribers of a status page: as a mail, as the words of a push, as the body of a webhook. Pure.

They are made of domain/pages/page_news.py alone, which holds nothing that the page does not show.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from control_plane.domain.alerting.message_words import Fact, Tone, Words
from control_plane.domain.pages.page_news import Told
from control_plane.domain.pages.public_page import Language
from control_plane.domain.pages.subscriber_words import DIRECTIONS, TEXTS, Texts, instant
from control_plane.domain.pages.text_direction import FIRST_STRONG_ISOLATE, isolated
from control_plane.notify.mail import Button, MailPage, Row
from control_plane.notify.system_mail import unlinked

CONFIRM, ALREADY = "subscription.confirm", "subscription.exists"
"""Messages about the subscription itself."""

CHALLENGE = "challenge"
"""The field that a webhook's receiver answers with."""


class Item(Struct, frozen=True, kw_only=True):
    """One piece of news. `id` is the delivery's; `happened_at` when the page had it."""

    id: UUID
    event: str
    subject: UUID
    told: Told
    happened_at: datetime


class Place(Struct, frozen=True, kw_only=True):
    """The page, and links for whom the message goes to. `home` is empty where the installation knows no address."""

    slug: str
    title: str
    language: Language
    home: str
    confirm_token: str = ""
    manage_token: str = ""

    @property
    def name(self) -> str:
        """The page's title, to stand in a sentence."""
        return isolated(self.title, self.language)

    @property
    def url(self) -> str:
        return f"{self.home}/status/{self.slug}"

    @property
    def confirm_url(self) -> str:
        return f"{self.url}/confirm/{self.confirm_token}"

    @property
    def manage_url(self) -> str:
        return f"{self.url}/subscription/{self.manage_token}"

    @property
    def unsubscribe_url(self) -> str:
        return f"{self.url}/unsubscribe/{self.manage_token}"


def question_mail(event: str, place: Place) -> MailPage:
    """Whether the address may be told, or that it is told already: to somebody who may have asked for nothing."""
    texts, page = TEXTS[place.language], isolated(unlinked(place.title) or place.slug, place.language)
    if event == ALREADY:
        return MailPage(
            title=texts.already_title.format(page=page),
            lines=(texts.already_line,),
            buttons=(Button(texts.manage, place.manage_url),),
            language=place.language,
            direction=DIRECTIONS[place.language],
        )
    return MailPage(
        title=texts.confirm_title.format(page=page),
        label=texts.confirm_label,
        lines=(texts.confirm_line.format(page=page), texts.confirm_not_you),
        buttons=(Button(texts.confirm_button, place.confirm_url),),
        footer=(texts.confirm_footer,),
        language=place.language,
        direction=DIRECTIONS[place.language],
    )


def news_mail(items: Sequence[Item], place: Place) -> MailPage:
    """What happened: one in full, several as a table."""
    texts, first = TEXTS[place.language], items[0]
    alone = len(items) == 1
    return MailPage(
        title=f"{_title(first, place)} · {place.name}" if alone else texts.several.format(page=place.name),
        label=_label(first, texts) if alone else "",
        mood=_tone(items),
        lines=_lines(first.told) if alone else (),
        facts=_facts(first.told, texts, place) if alone else (),
        rows=[_row(one, texts, place) for one in items] if not alone else (),
        heads=texts.heads,
        buttons=(
            Button(texts.open_page, _url(first, place) if alone else place.url),
            Button(texts.manage, place.manage_url),
        ),
        footer=(texts.because.format(page=place.name),),
        unsubscribe_url=place.unsubscribe_url,
        unsubscribe_label=texts.unsubscribe,
        language=place.language,
        direction=DIRECTIONS[place.language],
    )


def question_words(place: Place) -> Words:
    """The push that asks a browser's worker to say yes, which it does by the link."""
    texts = TEXTS[place.language]
    return Words(title=place.title, text=texts.confirm_push, tone="note", phase="event", url=place.confirm_url)


def news_words(items: Sequence[Item], place: Place) -> Words:
    """The same for a notification: title, a few lines, where a click leads."""
    texts, first = TEXTS[place.language], items[0]
    if len(items) == 1:
        told = first.told
        lines = [*_lines(told), *(f"{fact.label}: {fact.value}" for fact in _facts(told, texts, place))]
        return Words(
            title=f"{place.name}: {_label(first, texts)}",
            text="\n".join([_title(first, place), *lines]),
            tone=_tone(items),
            phase="event",
            url=_url(first, place),
        )
    lines = [f"{_label(one, texts)}: {_title(one, place)}" for one in items]
    title = texts.several.format(page=place.name)
    return Words(title=title, text="\n".join(lines), tone=_tone(items), phase="digest", url=place.url)


def question_body(place: Place, *, delivery_id: UUID, at: datetime) -> bytes:
    """What a webhook's receiver is asked with: it answers with the challenge, or posts it to `confirm_url`."""
    return _encoded(CONFIRM, delivery_id, at, place, {CHALLENGE: place.confirm_token, "confirm_url": place.confirm_url})


def news_body(item: Item, place: Place) -> bytes:
    """One event for a program: the same bytes on every attempt."""
    told = {name: value for name, value in msgspec.to_builtins(item.told).items() if value is not None}
    what, _, _ = item.event.partition(".")
    about = {what: {"id": str(item.subject), "url": _url(item, place), **told}}
    return _encoded(item.event, item.id, item.happened_at, place, about)


def _encoded(event: str, delivery_id: UUID, at: datetime, place: Place, more: dict[str, Any]) -> bytes:
    page = {"slug": place.slug, "title": place.title, "url": place.url}
    return msgspec.json.encode({"event": event, "delivery_id": delivery_id, "occurred_at": at, "page": page, **more})


def _url(item: Item, place: Place) -> str:
    return f"{place.url}/incidents/{item.subject}" if item.event.startswith("incident.") else place.url


def _title(item: Item, place: Place) -> str:
    """Set apart, unless it is a sentence of ours, which has the name in it set apart."""
    title = item.told.title
    return title if FIRST_STRONG_ISOLATE in title else isolated(title, place.language)


def _names(told: Told, texts: Texts, place: Place) -> str:
    return texts.comma.join(isolated(name, place.language) for name in told.components)


def _label(item: Item, texts: Texts) -> str:
    return texts.reopened if item.told.reopened else texts.events[item.event]


def _tone(items: Sequence[Item]) -> Tone:
    events = {one.event for one in items}
    if "incident.opened" in events:
        return "alarm"
    return "relief" if events <= {"incident.resolved", "maintenance.ended"} else "note"


def _lines(told: Told) -> tuple[str, ...]:
    texts = [*told.texts] or ([told.description] if told.description else [])
    return tuple(line for text in texts for line in text.splitlines() if line.strip())


def _facts(told: Told, texts: Texts, place: Place) -> tuple[Fact, ...]:
    pairs = (
        (texts.affected, _names(told, texts, place)),
        (texts.state, texts.phases.get(told.phase, "") if told.phase else ""),
        (texts.started, _at(told.started_at)),
        (texts.ended, _at(told.resolved_at)),
        (texts.begins, _at(told.starts_at)),
        (texts.ends, _at(told.ends_at)),
    )
    return tuple(Fact(label, value) for label, value in pairs if value)


def _row(item: Item, texts: Texts, place: Place) -> Row:
    said = " ".join(_lines(item.told)) or _names(item.told, texts, place)
    return Row(state=_label(item, texts), name=_title(item, place), reason=said[:300], url=_url(item, place))


def _at(at: datetime | None) -> str:
    return "" if at is None else instant(at)
