"""What a status page and its components may be: a decoded JSON object in, a value out, every bad field named."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from control_plane.domain import field_rules
from control_plane.domain.channels.channel_rules import refuse_mask
from control_plane.domain.field_rules import Findings, boolean, choice, integer, one_line, refuse, text
from control_plane.domain.monitors.monitor_fields import read_key
from control_plane.domain.pages.page_colours import read_branding
from control_plane.domain.pages.page_slugs import read_slug
from control_plane.domain.pages.public_page import Language
from control_plane.domain.safety.safety_domains import read_domain

TITLE_LIMIT = 100
TEXT_LIMIT = 2_000
PASSWORD_LENGTHS = (8, 200)
MOST_DAYS = 90
MOST_COMPONENTS = 500
"""On one page: it is read as a whole."""

State = Literal["draft", "published"]
STATES: tuple[State, ...] = ("draft", "published")
LANGUAGES: tuple[Language, ...] = ("en", "de", "ar")
_Reader = Callable[[object, str], Any]


class PageConfig(Struct, frozen=True, kw_only=True):
    """What people write of a page, less its password, logo and components. `branding` by name (page_colours)."""

    slug: str
    title: str
    description: str = ""
    state: State = "draft"
    listed: bool = True
    language: Language = "en"
    branding: Mapping[str, str] = {}
    header_text: str = ""
    footer_text: str = ""
    custom_domain: str | None = None
    show_uptime: bool = True
    show_latency: bool = False
    history_days: int = MOST_DAYS
    key: str | None = None


class ComponentConfig(Struct, frozen=True, kw_only=True):
    """What people write of a component, less its monitor and its place."""

    name: str
    description: str = ""
    group: str | None = None
    show_uptime: bool = True
    show_latency: bool = True


PAGE_FIELDS = (*PageConfig.__struct_fields__, "password")
COMPONENT_FIELDS = ComponentConfig.__struct_fields__


def read_page(body: Mapping[str, Any], *, stored: PageConfig | None) -> PageConfig:
    """The page that the body describes, merged (RFC 7396) onto `stored`; null is the default.

    Raises BadRequest that names bad fields, Refused SLUG_RESERVED.
    """
    findings = Findings()
    field_rules.refuse_unknown(body, known=PAGE_FIELDS, pointer="", findings=findings)
    fields = {} if stored is None else {name: getattr(stored, name) for name in PageConfig.__struct_fields__}
    for name in ("slug", "title"):
        if body.get(name) is None and (stored is None or name in body):
            findings.add(field_rules.refusal("MISSING_FIELD", f"{name} is missing", f"/{name}"))
    if "branding" in body:
        before = {} if stored is None else stored.branding
        branding = findings.take(
            lambda value, at: read_branding(value, at, stored=before), body["branding"], "/branding"
        )
        fields["branding"] = branding or {}
    _take(body, _PAGE, fields, findings)
    findings.raise_any()
    return PageConfig(**fields)


def read_component(body: Mapping[str, Any], *, stored: ComponentConfig | None) -> ComponentConfig:
    """The component that the body describes, merged onto `stored`.

    Raises BadRequest that names bad fields. Its monitor is chosen when it is made, and is not looked at
    here; nor is it named after that here where the body names none (then the name is empty).
    """
    findings = Findings()
    known = (*COMPONENT_FIELDS, "monitor_id") if stored is None else COMPONENT_FIELDS
    field_rules.refuse_unknown(body, known=known, pointer="", findings=findings)
    fields = {} if stored is None else {name: getattr(stored, name) for name in COMPONENT_FIELDS}
    if stored is None:
        fields["name"] = ""
    elif "name" in body and body["name"] is None:
        findings.add(field_rules.refusal("MISSING_FIELD", "name is missing", "/name"))
    _take(body, _COMPONENT, fields, findings)
    findings.raise_any()
    return ComponentConfig(**fields)


def read_password(body: Mapping[str, Any]) -> str | UnsetType | None:
    """The password that a page shall have; None: none, UNSET: as it is.

    Raises BadRequest INVALID_PASSWORD, REDACTION_SENTINEL.
    """
    if "password" not in body:
        return UNSET
    if body["password"] is None:
        return None
    low, high = PASSWORD_LENGTHS
    given = text(body["password"], "/password", code="INVALID_PASSWORD", low=low, high=high)
    refuse_mask(given, pointer="/password")
    return given


def read_order(value: object, *, known: Sequence[UUID]) -> list[UUID]:
    """All components of a page, in the order that they shall have. Raises BadRequest INVALID_ORDER."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        refuse("INVALID_TYPE", "component_ids is a list of ids", "/component_ids")
    named = {str(one): one for one in known}
    if sorted(value) != sorted(named):
        message = f"component_ids names each of the page's {len(named)} components once"
        refuse("INVALID_ORDER", message, "/component_ids")
    return [named[one] for one in value]


def _take(
    body: Mapping[str, Any],
    readers: Mapping[str, _Reader],
    fields: dict[str, Any],
    findings: Findings,
) -> None:
    """What the body gives of these fields, read; null takes the field away, so that its default holds."""
    for name, read in readers.items():
        if name in body and body[name] is None:
            if name not in ("slug", "title", "name"):
                fields.pop(name, None)
        elif name in body:
            fields[name] = findings.take(read, body[name], f"/{name}")


def _title(value: object, pointer: str) -> str:
    return one_line(value, pointer, code="INVALID_TITLE", high=TITLE_LIMIT)


def _description(value: object, pointer: str) -> str:
    return text(value, pointer, code="INVALID_DESCRIPTION", high=TEXT_LIMIT)


def _words(value: object, pointer: str) -> str:
    return text(value, pointer, code="INVALID_TEXT", high=TEXT_LIMIT)


def _domain(value: object, pointer: str) -> str:
    return read_domain(text(value, pointer, code="INVALID_DOMAIN", high=253), pointer)


def _state(value: object, pointer: str) -> str:
    return choice(value, pointer, allowed=STATES, code="INVALID_STATE")


def _language(value: object, pointer: str) -> str:
    return choice(value, pointer, allowed=LANGUAGES, code="INVALID_LANGUAGE")


def _days(value: object, pointer: str) -> int:
    return integer(value, pointer, low=1, high=MOST_DAYS, code="INVALID_HISTORY_DAYS")


def _group(value: object, pointer: str) -> str:
    return field_rules.name(value, pointer, code="INVALID_GROUP")


_PAGE: Mapping[str, _Reader] = {
    "slug": read_slug,
    "title": _title,
    "description": _description,
    "state": _state,
    "listed": boolean,
    "language": _language,
    "header_text": _words,
    "footer_text": _words,
    "custom_domain": _domain,
    "show_uptime": boolean,
    "show_latency": boolean,
    "history_days": _days,
    "key": read_key,
}
_COMPONENT: Mapping[str, _Reader] = {
    "name": field_rules.name,
    "description": _description,
    "group": _group,
    "show_uptime": boolean,
    "show_latency": boolean,
}
