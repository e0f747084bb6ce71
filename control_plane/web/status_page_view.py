"""A status page and its components as their tenant sees them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from control_plane.domain.channels.channel_rules import MASK
from control_plane.domain.pages.page_rules import State
from control_plane.domain.pages.public_page import Language
from control_plane.store.page_components import ComponentRow
from control_plane.store.status_pages import PageRow

Colour = Annotated[str, Meta(pattern="^#[0-9a-fA-F]{6}$")]


class Branding(Struct, frozen=True, kw_only=True):
    """Colours of a page, as #rrggbb. Null is Farwatch's own, or what follows from the other theme's accent.

    An accent has a contrast of at least 4.5 : 1 with its ground, a ground of 7 : 1 with the text.
    """

    accent: Colour | None = None
    accent_dark: Colour | None = None
    background: Colour | None = None
    background_dark: Colour | None = None


class StatusPage(Struct, frozen=True, kw_only=True):
    """A status page. `password` is `***` where there is one; `components` is how many monitors it shows.

    `url` is where a published page is read, `custom_domain` where it is read as well while `custom_domain_proven`: it
    leads nowhere once the proof has lapsed, and here again when it is proven anew. `is_public` is of pages made
    without an account, and `manage_key` in the answer that makes one (docs/zero-signup.md).
    """

    id: UUID
    number: int
    key: str | None
    slug: str
    title: str
    description: str
    state: State
    listed: bool
    password: str | None
    language: Language
    branding: Branding
    logo_url: str | None
    header_text: str
    footer_text: str
    custom_domain: str | None
    custom_domain_proven: bool | None
    show_uptime: bool
    show_latency: bool
    history_days: int
    components: int
    url: str
    write_source: str
    created_at: datetime
    updated_at: datetime
    is_public: bool | UnsetType = UNSET
    manage_key: str | UnsetType = UNSET


IsPublic = Annotated[
    bool | UnsetType | None,
    Meta(description="Of pages without an account: whether the page of those without one lists it"),
]
Text = Annotated[str, Meta(max_length=2000)]


class StatusPagePatch(Struct, frozen=True, kw_only=True):
    """A JSON merge patch (RFC 7396): absent keeps, null clears to the default. `branding` merges, too."""

    slug: Annotated[str, Meta(min_length=3, max_length=60, pattern="^[a-z0-9](-?[a-z0-9])*$")] | UnsetType = UNSET
    title: Annotated[str, Meta(min_length=1, max_length=100)] | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    state: State | UnsetType | None = UNSET
    listed: bool | UnsetType | None = UNSET
    password: Annotated[str, Meta(min_length=8, max_length=200)] | UnsetType | None = UNSET
    language: Language | UnsetType | None = UNSET
    branding: Branding | UnsetType | None = UNSET
    header_text: Text | UnsetType | None = UNSET
    footer_text: Text | UnsetType | None = UNSET
    custom_domain: Annotated[str, Meta(max_length=253)] | UnsetType | None = UNSET
    show_uptime: bool | UnsetType | None = UNSET
    show_latency: bool | UnsetType | None = UNSET
    history_days: Annotated[int, Meta(ge=1, le=90)] | UnsetType | None = UNSET
    key: str | UnsetType | None = UNSET


class NewStatusPage(StatusPagePatch, frozen=True, kw_only=True):
    """A page to create. It is a draft unless `state` is `published`."""

    slug: Annotated[str, Meta(min_length=3, max_length=60, pattern="^[a-z0-9](-?[a-z0-9])*$")]
    title: Annotated[str, Meta(min_length=1, max_length=100)]


class PageComponent(Struct, frozen=True, kw_only=True):
    """One line of a page. `name` is what the public reads, `monitor_name` what the monitor is called inside.

    `group` is the heading that it stands under; `position` counts from 1, and may have gaps.
    """

    id: UUID
    page_id: UUID
    monitor_id: UUID
    monitor_name: str
    name: str
    description: str
    group: str | None
    position: int
    show_uptime: bool
    show_latency: bool
    write_source: str
    created_at: datetime
    updated_at: datetime


class PageComponentPatch(Struct, frozen=True, kw_only=True):
    """A JSON merge patch (RFC 7396): absent keeps, null clears to the default."""

    name: Annotated[str, Meta(min_length=1, max_length=100)] | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    group: Annotated[str, Meta(min_length=1, max_length=100)] | UnsetType | None = UNSET
    show_uptime: bool | UnsetType | None = UNSET
    show_latency: bool | UnsetType | None = UNSET


class NewPageComponent(PageComponentPatch, frozen=True, kw_only=True):
    """A monitor to put last on the page; without a `name` the public reads the monitor's own."""

    monitor_id: UUID


def page_view(row: PageRow, *, origin: str) -> StatusPage:
    """`origin`: where the installation is reached, without a slash at its end."""
    url = f"{origin}/status/{row.slug}"
    return StatusPage(
        id=row.id,
        number=row.number,
        key=row.key,
        slug=row.slug,
        title=row.title,
        description=row.description,
        state=row.state,
        listed=row.listed,
        password=None if row.password_digest is None else MASK,
        language=row.language,
        branding=Branding(**row.branding),
        logo_url=None if row.logo_digest is None else f"{url}/logo/{row.logo_digest}",
        header_text=row.header_text,
        footer_text=row.footer_text,
        custom_domain=row.custom_domain,
        custom_domain_proven=None if row.custom_domain is None else row.domain_proven,
        show_uptime=row.show_uptime,
        show_latency=row.show_latency,
        history_days=row.history_days,
        components=row.components,
        url=url,
        write_source=row.write_source,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def component_view(row: ComponentRow) -> PageComponent:
    return PageComponent(**{name: getattr(row, name) for name in PageComponent.__struct_fields__})
