"""/app/status-pages/{id}: everything that a page is, in one form beside the page itself."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from control_plane.dashboard.fields import told
from control_plane.dashboard.status_pages.colours import NAMES, swatches
from control_plane.dashboard.status_pages.frame import (
    HERE,
    NOT_SAVED,
    PAGE,
    REFUSALS,
    Opened,
    accepted,
    opened,
    shown,
)
from control_plane.dashboard.status_pages.page_form import (
    Around,
    Raw,
    body_of,
    groups_of,
    raw_of,
    state_of,
    text,
)
from control_plane.dashboard.status_pages.preview import FORM_BYTES
from control_plane.dashboard.visit import Visit, form, form_with_file, frame, page, see_other, show
from control_plane.dashboard.words import moment, sentence
from control_plane.errors import BadRequest, FarwatchError, PreconditionFailed
from control_plane.services.installation.require_revision import require_revision
from control_plane.services.pages.change_page import change_page, delete_page
from control_plane.services.pages.draw_logo import MOST_BYTES, draw_logo
from control_plane.services.pages.keep_logo import delete_logo, put_logo
from control_plane.services.pages.page_rows import config_of
from control_plane.store import domains
from control_plane.store.pool import Connection
from control_plane.web.routes import Route

_MOST_DOMAINS = 200
_LOGO_PROBLEMS = {"INVALID_IMAGE"}


async def show_editor(visit: Visit) -> web.StreamResponse:
    page = await opened(visit)
    return await _editor(visit, page, raw_of(config_of(page.row)))


async def save(visit: Visit) -> web.StreamResponse:
    """The page first, its logo after that: a picture that is none is refused before anything is written."""
    page = await opened(visit)
    try:
        picture = visit.files.get("logo")
        if picture is not None:
            await _check_logo(picture)
        await _write(visit, page, body_of(visit.form), revisions=accepted(visit))
        await _write_logo(visit, page, picture)
    except REFUSALS as error:
        return await _editor(visit, await opened(visit), visit.form, error)
    return see_other(f"{page.here}?said=saved")


async def _check_logo(picture: bytes) -> None:
    """Raises BadRequest INVALID_IMAGE."""
    if len(picture) > MOST_BYTES:
        raise BadRequest("the picture has more than 2 MiB: choose a smaller one", code="INVALID_IMAGE")
    await draw_logo(picture)


async def set_state(visit: Visit) -> web.StreamResponse:
    """Publish, or take it back: the same as in the form, from the head of the page."""
    page = await opened(visit)
    wanted = visit.text("to")
    try:
        await _write(visit, page, state_of(wanted), revisions=None)
    except REFUSALS as error:
        return await _editor(visit, page, raw_of(config_of(page.row)), error)
    return see_other(f"{page.here}?said={wanted}")


async def _write(visit: Visit, page: Opened, body: dict[str, Any], *, revisions: Collection[int] | None) -> None:
    await change_page(
        visit.deps.database,
        tenant_id=visit.tenant_id,
        page_id=page.row.id,
        body=body,
        write_source=visit.caller.write_source,
        check_revision=partial(require_revision, accepted=revisions),
    )


async def _write_logo(visit: Visit, page: Opened, picture: bytes | None) -> None:
    keep = {
        "tenant_id": visit.tenant_id,
        "page_id": page.row.id,
        "write_source": visit.caller.write_source,
        "check_revision": lambda _revision: None,
    }
    if picture is not None:
        await put_logo(visit.deps.database, picture=picture, **keep)  # type: ignore[arg-type]
    elif text(visit.form, "no_logo") == "yes":
        await delete_logo(visit.deps.database, **keep)  # type: ignore[arg-type]


async def _editor(visit: Visit, page: Opened, raw: Raw, error: FarwatchError | None = None) -> web.StreamResponse:
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        proven = await _proven(conn, visit)
    around = Around(
        address=str(frame(visit)["origin"]),
        proven=proven,
        has_password=page.row.password_digest is not None,
    )
    about_page = None if isinstance(error, PreconditionFailed) or _is_of_logo(error) else error
    groups, problem = told(groups_of(raw, around), about_page)
    if isinstance(error, PreconditionFailed):
        problem = _meanwhile(visit, page)
    if error is not None and not problem:
        problem = NOT_SAVED
    host = urlsplit(around.address).hostname or ""
    context = {
        "groups": groups,
        "problem": problem,
        "revision": page.row.revision,
        "swatches": {each.name: each for each in swatches({name: text(raw, name) for name in NAMES})},
        "logo": f"{page.here}/logo?of={page.row.logo_digest}" if page.row.logo_digest else "",
        "logo_problem": sentence(error.message) if error is not None and _is_of_logo(error) else "",
        "no_logo": text(raw, "no_logo") == "yes",
        "choose_again": error is not None and "logo" in visit.files and not _is_of_logo(error),
        "retype": bool(error is not None and raw.get("password", [""])[0]),
        "proven": proven,
        "host": host,
        "host_is_name": not _is_address(host),
    }
    return shown(visit, page, "status_page_edit.html", context, status=200 if error is None else error.status)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_of_logo(error: FarwatchError | None) -> bool:
    return isinstance(error, BadRequest) and error.code in _LOGO_PROBLEMS


def _meanwhile(visit: Visit, page: Opened) -> str:
    when = moment(page.row.updated_at, visit.deps.now()).relative
    return (
        f"Somebody else saved this page {when}, after you had opened it. What you entered is below and not saved: "
        "save again to put it in the place of theirs, or load the page anew to keep theirs."
    )


async def _proven(conn: Connection, visit: Visit) -> list[str]:
    rows, _ = await domains.list_domains(conn, tenant_id=visit.tenant_id, limit=_MOST_DOMAINS, offset=0)
    return [row.domain for row in rows if row.state in ("verified", "grace")]


async def show_delete(visit: Visit) -> web.StreamResponse:
    return await _delete_form(visit)


async def delete(visit: Visit) -> web.StreamResponse:
    page = await opened(visit)
    if visit.text("slug") != page.row.slug:
        return await _delete_form(visit, problem=f"That is not its address: type {page.row.slug}. Nothing was deleted.")
    await delete_page(
        visit.deps.database, tenant_id=visit.tenant_id, page_id=page.row.id, check_revision=lambda _revision: None
    )
    return see_other(f"{HERE}?said=deleted")


async def _delete_form(visit: Visit, *, problem: str = "") -> web.StreamResponse:
    page = await opened(visit)
    context = {"page": page.row, "here": page.here, "problem": problem, "typed": visit.text("slug")}
    return show(visit, "status_page_delete.html", context, status=400 if problem else 200)


_writes = partial(form, scope="status-pages:write")

ROUTES: tuple[Route, ...] = (
    page(PAGE, show_editor, operation="show_status_page_editor", summary="A status page", scope="status-pages:read"),
    form_with_file(
        PAGE,
        save,
        operation="save_status_page",
        summary="Save it",
        scope="status-pages:write",
        max_body=FORM_BYTES,
    ),
    _writes(f"{PAGE}/state", set_state, operation="set_status_page_state", summary="Publish it, or take it back"),
    page(
        f"{PAGE}/delete",
        show_delete,
        operation="show_status_page_delete",
        summary="What deleting it means",
        scope="status-pages:write",
    ),
    _writes(f"{PAGE}/delete", delete, operation="delete_status_page_from_page", summary="Delete it"),
)
