"""What a page still lacks before the public should read it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from control_plane.store.page_components import ComponentRow
from control_plane.store.status_pages import PageRow

_TECHNICAL = re.compile(r"://|\b[\w-]+(?:\.[\w-]+){2,}\b|\b\d{1,3}(?:\.\d{1,3}){3}\b|:\d{2,5}\b")
"""A name that looks like an address: of three labels or more, of numbers, or with a port."""


class Item(Struct, frozen=True, kw_only=True):
    """A line of the list. `needed`: without it the page is of no use. `warns`: said of a published page, too."""

    done: bool
    words: str
    href: str
    needed: bool = False
    warns: bool = False


def checklist(page: PageRow, components: Sequence[ComponentRow], *, here: str, domain_proven: bool) -> list[Item]:
    """In the order in which one would do them."""
    technical = [each.name for each in components if _TECHNICAL.search(each.name)]
    own, about = bool(page.logo_digest or page.branding), bool(page.header_text or page.description)
    items = [
        Item(
            done=bool(components),
            words="It shows something" if components else "It shows nothing yet: choose what the public may see",
            href=f"{here}/components",
            needed=True,
            warns=True,
        ),
        Item(
            done=not technical,
            words="Every line has a name for the public"
            if not technical
            else f"A name looks like an address, and the public would read it: {technical[0]}",
            href=f"{here}/components",
            warns=True,
        ),
        Item(
            done=about,
            words="It says what it is about" if about else "It does not say what it is about",
            href=f"{here}#title",
        ),
        Item(done=own, words="It looks like yours" if own else "No logo or colour of yours", href=f"{here}#logo"),
    ]
    if page.custom_domain is not None and not domain_proven:
        words = f"{page.custom_domain} is no longer proven yours: it leads nowhere"
        items.append(Item(done=False, words=words, href="/app/settings/domains", warns=True))
    return items
