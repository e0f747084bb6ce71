"""Feeds as Atom (RFC 4287) and as RSS 2.0 (https://www.rssboard.org/rss-specification). Pure: entries in, XML out.

Text is escaped and stripped of what XML 1.0 cannot hold (section 2.2). An entry keeps its id for ever and changes its
`updated`, so that a reader shows it anew and never twice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape, quoteattr

from msgspec import Struct

ATOM = "application/atom+xml"
RSS = "application/rss+xml"

_UNHOLDABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'


class Entry(Struct, frozen=True, kw_only=True):
    """One thing to tell. `id` is a URI that never changes; `text` is plain, with line breaks; `link` a URL or none."""

    id: str
    title: str
    text: str
    published: datetime
    updated: datetime
    link: str | None = None
    category: str | None = None


class Feed(Struct, frozen=True, kw_only=True):
    """`id` is a URI that never changes; `here` the feed's own URL and `site` the page that it is about, if known."""

    id: str
    title: str
    subtitle: str
    author: str
    entries: Sequence[Entry]
    here: str | None = None
    site: str | None = None

    @property
    def updated(self) -> datetime:
        """Of the newest entry; without one, the epoch: it never changed."""
        return max((entry.updated for entry in self.entries), default=_NEVER)


def atom(feed: Feed) -> str:
    """The feed as an Atom document."""
    return "".join(
        [
            _HEAD,
            '<feed xmlns="http://www.w3.org/2005/Atom">',
            _tag("id", feed.id),
            _tag("title", feed.title),
            _tag("subtitle", feed.subtitle),
            _tag("updated", _rfc3339(feed.updated)),
            f"<author>{_tag('name', feed.author)}</author>",
            _tag("generator", "Farwatch"),
            f'<link rel="self" type="{ATOM}" href={_quoted(feed.here)}/>' if feed.here else "",
            f'<link rel="alternate" href={_quoted(feed.site)}/>' if feed.site else "",
            *map(_atom_entry, feed.entries),
            "</feed>\n",
        ]
    )


def _atom_entry(entry: Entry) -> str:
    category = f"<category term={_quoted(entry.category)}/>" if entry.category else ""
    link = f'<link rel="alternate" href={_quoted(entry.link)}/>' if entry.link else ""
    return (
        f"<entry>{_tag('id', entry.id)}{_tag('title', entry.title)}"
        f"{_tag('published', _rfc3339(entry.published))}{_tag('updated', _rfc3339(entry.updated))}"
        f'{category}{link}<content type="text">{_held(entry.text)}</content></entry>'
    )


def rss(feed: Feed) -> str:
    """The feed as an RSS 2.0 document. A channel needs a link: without a site it is the feed's own URL, or its id."""
    self_link = f'<atom:link rel="self" type="{RSS}" href={_quoted(feed.here)}/>' if feed.here else ""
    return "".join(
        [
            _HEAD,
            '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel>',
            _tag("title", feed.title),
            _tag("link", feed.site or feed.here or feed.id),
            _tag("description", feed.subtitle),
            _tag("lastBuildDate", _rfc822(feed.updated)),
            _tag("generator", "Farwatch"),
            self_link,
            *map(_rss_item, feed.entries),
            "</channel></rss>\n",
        ]
    )


def _rss_item(entry: Entry) -> str:
    return (
        f'<item><guid isPermaLink="false">{_held(entry.id)}</guid>{_tag("title", entry.title)}'
        f"{_tag('pubDate', _rfc822(entry.published))}"
        f"{_tag('category', entry.category) if entry.category else ''}"
        f"{_tag('link', entry.link) if entry.link else ''}{_tag('description', entry.text)}</item>"
    )


def _tag(name: str, text: str) -> str:
    return f"<{name}>{_held(text)}</{name}>"


def _held(text: str) -> str:
    return escape(_UNHOLDABLE.sub("\ufffd", text))


def _quoted(text: str) -> str:
    return quoteattr(_UNHOLDABLE.sub("\ufffd", text))


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _rfc822(at: datetime) -> str:
    return format_datetime(at.astimezone(UTC).replace(microsecond=0), usegmt=True)
