"""/app/status-pages: the tenant's pages, and the first one."""

from __future__ import annotations

from functools import partial

from aiohttp import web
from msgspec import Struct

from control_plane.dashboard.fields import Field, Group, options, told
from control_plane.dashboard.monitor_choice import chosen_monitors, monitors_field, offered
from control_plane.dashboard.status_pages.frame import (
    HERE,
    NOT_SAVED,
    REFUSALS,
    SAID,
    STANDINGS,
    VERDICTS,
    address_of,
    standing_of,
)
from control_plane.dashboard.status_pages.page_form import LANGUAGES, NAMED
from control_plane.dashboard.visit import Visit, form, frame, page, see_other, show
from control_plane.dashboard.words import count
from control_plane.domain.pages.page_slugs import slug_from
from control_plane.domain.tenants.plan import room_left
from control_plane.errors import Conflict, FarwatchError
from control_plane.services.pages.create_page import create_page
from control_plane.services.pages.place_monitors import Chosen
from control_plane.services.pages.read_verdicts import read_verdicts
from control_plane.store import page_editing, status_pages, tags
from control_plane.store.status_pages import PageFilter
from control_plane.web.routes import Route

_PAGE_SIZE = 50
_MOST_TAGS = 100


class PageLine(Struct, frozen=True, kw_only=True):
    """A page in the list."""

    href: str
    title: str
    address: str
    standing: tuple[str, str]
    is_public: bool
    verdict: tuple[str, str]
    shows: str
    told: str
    more: str


async def show_pages(visit: Visit) -> web.StreamResponse:
    number = visit.query("page")
    at = min(1000, max(1, int(number))) if number.isascii() and number.isdecimal() and len(number) < 6 else 1
    tenant_id = visit.tenant_id
    async with visit.deps.database.tenant(tenant_id) as conn:
        rows, total = await status_pages.list_pages(
            conn, tenant_id=tenant_id, wanted=PageFilter(), limit=_PAGE_SIZE, offset=(at - 1) * _PAGE_SIZE
        )
        ids = [row.id for row in rows]
        verdicts = await read_verdicts(conn, tenant_id=tenant_id, page_ids=ids)
        subscribed = await page_editing.subscribed_to_pages(conn, tenant_id=tenant_id, page_ids=ids)
    lines = []
    for row in rows:
        also = (row.password_digest is not None and "password", row.custom_domain)
        line = PageLine(
            href=f"{HERE}/{row.id}",
            title=row.title,
            address=address_of(visit, row),
            standing=STANDINGS[standing_of(row)],
            is_public=row.state == "published",
            verdict=VERDICTS[verdicts[row.id]],
            shows=count(row.components, "component"),
            told=count(told_of, "subscriber") if (told_of := subscribed.get(row.id, 0)) else "",
            more=", ".join(each for each in also if each),
        )
        lines.append(line)
    context = {
        "pages": lines,
        "total": total,
        "room": room_left(visit.caller.terms, "status_pages", current=total),
        "plan": visit.caller.terms.name,
        "may_write": visit.may("status-pages:write"),
        "previous": f"{HERE}?page={at - 1}" if at > 1 else "",
        "next": f"{HERE}?page={at + 1}" if at * _PAGE_SIZE < total else "",
        "said": SAID.get(visit.query("said"), ""),
    }
    return show(visit, "status_pages.html", context)


async def show_new(visit: Visit) -> web.StreamResponse:
    return await _form(visit)


async def create(visit: Visit) -> web.StreamResponse:
    page_id = visit.deps.new_id()
    try:
        await create_page(
            visit.deps.database,
            tenant_id=visit.tenant_id,
            page_id=page_id,
            terms=visit.caller.terms,
            body={"title": visit.text("title"), "slug": _slug(visit), "language": visit.text("language") or "en"},
            write_source=visit.caller.write_source,
            shows=await _chosen(visit),
            new_id=visit.deps.new_id,
        )
    except REFUSALS as error:
        return await _form(visit, error)
    return see_other(f"{HERE}/{page_id}?said=created")


def _slug(visit: Visit) -> str:
    return visit.text("slug") or slug_from(visit.text("title"))


async def _chosen(visit: Visit) -> Chosen:
    """Monitors that were ticked or named, then those with the tags. Raises BadRequest INVALID_MONITORS."""
    tagged = [each for each in visit.form.get("tags", ()) if "\x00" not in each]
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        named = await chosen_monitors(conn, visit, at="/monitors")
        of_tags = await page_editing.monitors_with_tags(conn, tenant_id=visit.tenant_id, tags=tagged) if tagged else []
    return Chosen(monitor_ids=[*named, *of_tags], own_groups=visit.text("own_groups") == "yes")


async def _form(visit: Visit, error: FarwatchError | None = None) -> web.StreamResponse:
    posted = visit.call.request.method == "POST"
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        offer = await offered(conn, visit, chosen=())
        words, _ = await tags.list_tags(
            conn, tenant_id=visit.tenant_id, q=None, sort="name", limit=_MOST_TAGS, offset=0
        )
    ticked = set(visit.form.get("tags", ()))
    chosen = [each.id for each in offer.monitors if str(each.id) in visit.form.get("monitors", ())]
    title, slug = visit.text("title"), visit.text("slug")
    if isinstance(error, Conflict) and not slug:
        slug = slug_from(title)
    origin = frame(visit)["origin"]
    name = {"maxlength": "100", "autocomplete": "off", "placeholder": "Acme status", "dir": "auto"}
    naming = (
        Field(name="title", label="Name", at="/title", value=title, required=True, extra=name),
        Field(
            name="slug",
            label="Address",
            at="/slug",
            value=slug,
            hint=f"{origin}/status/… Left empty, it is made from the name.",
            extra={**NAMED, "maxlength": "60"},
        ),
        Field(
            name="language",
            label="Language",
            at="/language",
            type="select",
            options=options(LANGUAGES, {visit.text("language") or "en"}),
        ),
    )
    by_tag = Field(
        name="tags",
        label="Everything with a tag",
        at="/tags",
        type="checks",
        options=options({each.name: each.name for each in words}, ticked),
    )
    showing = (
        *((by_tag,) if words else ()),
        monitors_field(
            visit, offer, chosen=chosen, at="/monitors", hint="What the page shows. More can be added later."
        ),
        Field(
            name="own_groups",
            label="Put them under their groups",
            at="/own_groups",
            type="tick",
            value="yes" if not posted or visit.text("own_groups") == "yes" else "",
        ),
    )
    shown, problem = told([Group(naming), Group(showing)], error)
    if error is not None and not problem:
        problem = NOT_SAVED
    context = {"groups": shown, "problem": problem}
    return show(visit, "status_page_new.html", context, status=200 if error is None else error.status)


_writes = partial(form, scope="status-pages:write")

ROUTES: tuple[Route, ...] = (
    page(HERE, show_pages, operation="show_status_pages", summary="Status pages", scope="status-pages:read"),
    page(
        f"{HERE}/new",
        show_new,
        operation="show_status_page_form",
        summary="A new status page",
        scope="status-pages:write",
    ),
    _writes(f"{HERE}/new", create, operation="add_status_page", summary="Make a status page"),
)
