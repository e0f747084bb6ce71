"""What every part of a status page's pages has: which page, how it is, what it lacks, and the tabs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from aiohttp import web
from msgspec import Struct

from control_plane.dashboard.navigation import Tab
from control_plane.dashboard.status_pages.checklist import checklist
from control_plane.dashboard.status_pages.page_form import visibility_of
from control_plane.dashboard.visit import Visit, frame, show
from control_plane.domain.pages.public_page import ComponentState
from control_plane.errors import BadRequest, Conflict, Forbidden, PreconditionFailed, Refused
from control_plane.services.pages.page_rows import config_of, unknown_page
from control_plane.services.pages.read_verdicts import read_verdicts
from control_plane.store import page_components, status_pages
from control_plane.store.page_components import ComponentRow
from control_plane.store.pool import Connection
from control_plane.store.status_pages import PageRow

HERE = "/app/status-pages"
PAGE = f"{HERE}/{{page_id}}"
REFUSALS = (BadRequest, Conflict, Forbidden, PreconditionFailed, Refused)
"""What a person can do something about: told beside the field, with what they had typed."""

NOT_SAVED = "Nothing was saved yet: what has to change stands beside its field."

VERDICTS: Mapping[ComponentState, tuple[str, str]] = {
    "operational": ("up", "Operational"),
    "degraded": ("degraded", "Degraded"),
    "partial_outage": ("degraded", "Partial outage"),
    "major_outage": ("down", "Major outage"),
    "maintenance": ("maintenance", "Maintenance"),
    "no_data": ("unknown", "No data"),
}
"""Mark and word of a page, or of one of its lines."""
STANDINGS = {"draft": ("paused", "Draft"), "unlisted": ("up", "Unlisted"), "published": ("up", "Published")}
SAID = {
    "created": "The page is there, as a draft: nobody else sees it yet.",
    "saved": "Saved.",
    "published": "Published: everybody may read it now.",
    "unlisted": "Published: whoever knows the address may read it now.",
    "draft": "It is a draft again, and its address answers as if there were nothing.",
    "deleted": "The page is deleted. Its monitors go on.",
}
_TABS = (
    ("", "Page"),
    ("/components", "Components"),
    ("/incidents", "What the public reads"),
    ("/subscribers", "Subscribers"),
)


class Opened(Struct, frozen=True, kw_only=True):
    """A page of the tenant with all that its head tells."""

    row: PageRow
    components: Sequence[ComponentRow]
    verdict: ComponentState
    domain_proven: bool

    @property
    def here(self) -> str:
        return f"{HERE}/{self.row.id}"


async def opened(visit: Visit) -> Opened:
    """The page of the path. Raises NotFound STATUS_PAGE_NOT_FOUND."""
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        return await read_opened(conn, visit, visit.id("page_id"))


async def read_opened(conn: Connection, visit: Visit, page_id: UUID) -> Opened:
    tenant_id = visit.tenant_id
    row = await status_pages.get_page(conn, tenant_id=tenant_id, page_id=page_id)
    if row is None:
        raise unknown_page()
    components = await page_components.list_components(conn, tenant_id=tenant_id, page_id=page_id)
    verdicts = await read_verdicts(conn, tenant_id=tenant_id, page_ids=[page_id])
    domain = row.custom_domain
    proven = domain is not None and await status_pages.proves_domain(conn, tenant_id=tenant_id, domain=domain)
    return Opened(row=row, components=components, verdict=verdicts[page_id], domain_proven=proven)


def shown(visit: Visit, page: Opened, template: str, context: Mapping[str, Any], *, status: int = 200) -> web.Response:
    """One of the page's own pages, below its head."""
    here, path = page.here, visit.call.request.path
    items = checklist(page.row, page.components, here=here, domain_proven=page.domain_proven)
    head = {
        "page": page.row,
        "here": here,
        "tabs": [Tab(f"{here}{rest}", name, path == f"{here}{rest}") for rest, name in _TABS],
        "address": address_of(visit, page.row),
        "standing": STANDINGS[standing_of(page.row)],
        "is_draft": page.row.state == "draft",
        "verdict": VERDICTS[page.verdict],
        "checklist": items,
        "lacks": [item for item in items if not item.done],
        "warnings": [item for item in items if item.warns and not item.done],
        "domain_proven": page.domain_proven,
        "may_publish": all(item.done for item in items if item.needed),
        "may_write": visit.may("status-pages:write"),
        "said": SAID.get(visit.query("said"), ""),
        "problem": "",
    }
    return show(visit, template, {**head, **context}, status=status)


def standing_of(row: PageRow) -> str:
    return visibility_of(config_of(row))


def address_of(visit: Visit, row: PageRow) -> str:
    """Where the public reads the page."""
    return f"{frame(visit)['origin']}/status/{row.slug}"


def accepted(visit: Visit) -> frozenset[int] | None:
    """The revision that the form was filled in with; None where it does not say."""
    sent = visit.text("revision")
    return frozenset({int(sent)}) if sent.isascii() and sent.isdecimal() and len(sent) < 16 else None
