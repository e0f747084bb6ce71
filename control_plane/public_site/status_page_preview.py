"""A status page as its readers would see it, for those who write it: the same templates, and nothing in it acts."""

from __future__ import annotations

import re

from control_plane.domain.pages.public_page import PublicPage
from control_plane.public_site.rendering import rendered
from control_plane.public_site.status_page import page_context
from control_plane.public_site.status_page_door import base_of
from control_plane.public_site.status_page_views import Wanted
from control_plane.web.page_preview import Theme

_LEADS_AWAY = re.compile(r'(<a\b[^>]*?) href="[^"]*"')
"""The address of a link. Texts of people are escaped, so no `<` of theirs begins one."""


def draw_page(page: PublicPage, *, logo: str, theme: Theme) -> str:
    """The document. A link is shown as one and leads nowhere: where it leads there may be nothing yet."""
    context = page_context(page, Wanted(), home=base_of(page.slug))
    shell = {**context["shell"], "logo": logo, "theme": theme}
    return _LEADS_AWAY.sub(r"\1", rendered("status_preview.html", {**context, "shell": shell}))
