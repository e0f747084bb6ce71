"""A badge's address, and the lines that put it into a text. Pure.

What stands for the picture is a monitor's name, which may be anything: in the markups that have no sure way to quote,
whatever could be markup there is replaced by what looks alike.
"""

from __future__ import annotations

from html import escape
from urllib.parse import quote, urlencode
from uuid import UUID

from msgspec import Struct

from control_plane.domain.pages.badge import LABEL_LIMIT, clean

KINDS_OF_PERIOD = ("uptime", "latency")
"""The badges that look back over a period."""
USUAL_PERIODS = {"uptime": "30d", "latency": "24h"}

_SHIELDS = "https://img.shields.io/endpoint"
_PLAIN = str.maketrans(
    {**dict.fromkeys("\\`*_<>|&#!", " "), **dict.fromkeys("[{", "("), **dict.fromkeys("]}", ")"), '"': "'"}
)


class BadgeLook(Struct, frozen=True, kw_only=True):
    """Which badge, and how it is drawn. `label` None is the kind's own, an empty one leaves the left field out."""

    kind: str
    style: str = "flat"
    period: str = ""
    label: str | None = None
    token: str = ""
    """Of a share link, where no page shows the monitor."""


class Snippet(Struct, frozen=True):
    """A badge in one markup: `key` in addresses and ids, `title` for people, and the lines to paste."""

    key: str
    title: str
    text: str


def badge_path(monitor_id: UUID, look: BadgeLook, *, extension: str = "") -> str:
    """The badge's address on whatever host; what is usual is left out of it."""
    wanted = {
        "label": look.label,
        "period": _period(look),
        "style": look.style if look.style != "flat" and extension != ".json" else None,
        "token": look.token or None,
    }
    query = urlencode({name: value for name, value in wanted.items() if value is not None})
    path = f"/api/v1/monitors/{monitor_id}/badge/{look.kind}{extension}"
    return f"{path}?{query}" if query else path


def snippets(monitor_id: UUID, look: BadgeLook, *, origin: str, name: str, leads_to: str) -> list[Snippet]:
    """The badge in each markup. `origin` is where this installation is reached, `leads_to` what a click opens."""
    url = f"{origin}{badge_path(monitor_id, look)}"
    said = clean(f"{name}: {look.kind}", limit=2 * LABEL_LIMIT)
    alt = _plain(said)
    html = f'<a href="{escape(leads_to)}"><img src="{escape(url)}" alt="{escape(said)}" height="20"></a>'
    drawn, opened = url.replace("_", "%5F"), leads_to.replace("_", "%5F")  # two of them begin italics in AsciiDoc
    return [
        Snippet("markdown", "Markdown", f"[![{alt}]({url})]({leads_to})"),
        Snippet("html", "HTML", html),
        Snippet("asciidoc", "AsciiDoc", f'image:{drawn}["{alt}",link="{opened}"]'),
        Snippet("rst", "reStructuredText", f".. image:: {url}\n   :alt: {alt}\n   :target: {leads_to}"),
        Snippet("shields", "shields.io", _shields(monitor_id, look, origin=origin)),
        Snippet("url", "Address", url),
    ]


def _shields(monitor_id: UUID, look: BadgeLook, *, origin: str) -> str:
    """The badge as shields.io draws it (https://shields.io/badges/endpoint-badge)."""
    ours = f"{origin}{badge_path(monitor_id, look, extension='.json')}"
    style = "" if look.style == "flat" else f"&style={quote(look.style)}"
    return f"{_SHIELDS}?url={quote(ours, safe='')}{style}"


def _period(look: BadgeLook) -> str | None:
    if look.kind not in KINDS_OF_PERIOD or not look.period or look.period == USUAL_PERIODS[look.kind]:
        return None
    return look.period


def _plain(text: str) -> str:
    return " ".join(text.translate(_PLAIN).split())
