"""The form of a status page: from what is stored to fields, from what was typed to a body of the API. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from control_plane.dashboard.fields import Field, Group, Option
from control_plane.dashboard.status_pages.colours import NAMES as COLOURS
from control_plane.domain.pages.page_rules import MOST_DAYS, PASSWORD_LENGTHS, TEXT_LIMIT, TITLE_LIMIT, PageConfig

Raw = Mapping[str, Sequence[str]]
"""A form as it was sent, or as it would be."""

LANGUAGES = {"en": "English", "de": "Deutsch (German)", "ar": "العربية (Arabic, right to left)"}
VISIBILITY = {
    "draft": ("Draft", "Nobody but your team sees it."),
    "unlisted": ("Unlisted", "Whoever knows the address reads it; search engines are asked to stay away."),
    "published": ("Published", "Everybody may read and find it."),
}
COLOUR_LABELS = {
    "accent": "Accent, light theme",
    "accent_dark": "Accent, dark theme",
    "background": "Background, light theme",
    "background_dark": "Background, dark theme",
}


class Around(Struct, frozen=True, kw_only=True):
    """What the form says beside its fields. `address`: where pages of this installation lie."""

    address: str
    proven: Sequence[str]
    has_password: bool


def visibility_of(config: PageConfig) -> str:
    if config.state == "draft":
        return "draft"
    return "published" if config.listed else "unlisted"


def raw_of(config: PageConfig) -> dict[str, list[str]]:
    """The form of a page as it is stored."""
    plain = ("title", "slug", "description", "language", "header_text", "footer_text")
    raw = {name: [getattr(config, name)] for name in plain}
    raw |= {name: [config.branding.get(name, "")] for name in COLOURS}
    raw |= {name: ["yes"] for name in ("show_uptime", "show_latency") if getattr(config, name)}
    return raw | {
        "visibility": [visibility_of(config)],
        "history_days": [str(config.history_days)],
        "custom_domain": [config.custom_domain or ""],
        "key": [config.key or ""],
    }


def body_of(raw: Raw) -> dict[str, Any]:
    """What the form says, as the API takes it: a field that is empty has its default. A password stays unless typed."""
    texts = ("title", "slug", "description", "header_text", "footer_text", "language")
    body: dict[str, Any] = {name: text(raw, name) for name in texts}
    body["branding"] = {name: text(raw, name).lower() or None for name in COLOURS}
    body |= {name: text(raw, name) or None for name in ("custom_domain", "key")}
    body |= {name: text(raw, name) == "yes" for name in ("show_uptime", "show_latency")}
    days = text(raw, "history_days")
    body["history_days"] = int(days) if days.isascii() and days.isdecimal() and len(days) < 6 else days or None
    body |= state_of(text(raw, "visibility"))
    if text(raw, "no_password") == "yes":
        body["password"] = None
    elif password := raw.get("password", [""])[0]:
        body["password"] = password
    return body


def state_of(visibility: str) -> dict[str, Any]:
    """A draft keeps whether it is to be listed: nobody is shown it anyway."""
    match visibility:
        case "published" | "unlisted":
            return {"state": "published", "listed": visibility == "published"}
        case "draft":
            return {"state": "draft"}
        case _:
            return {"state": visibility}


def text(raw: Raw, name: str) -> str:
    """A field without surrounding blanks; lines end as in everything that is stored."""
    return raw.get(name, [""])[0].strip().replace("\r\n", "\n")


def groups_of(raw: Raw, around: Around) -> list[Group]:
    """The fields in their sections."""
    return [
        Group(_naming(raw, around), title="Name and address"),
        Group(_admitting(raw, around), title="Who may read it"),
        Group(_colouring(raw), title="Logo and colours"),
        Group(_telling(raw), title="Words of your own"),
        Group(_showing(raw), title="What it shows"),
        Group(_hosting(raw, around), title="A domain of its own"),
        Group((_key(raw),), title="For configuration files"),
    ]


def _naming(raw: Raw, around: Around) -> tuple[Field, ...]:
    return (
        _text(raw, "title", "Name", required=True, extra={"maxlength": str(TITLE_LIMIT), "dir": "auto"}),
        _text(raw, "slug", "Address", hint=f"{around.address}/status/…", required=True, extra=NAMED),
        _area(raw, "description", "In one sentence", "Search engines and link previews show it."),
        _select(raw, "language", "Language", LANGUAGES, "Of everything on the page that you have not written."),
    )


NAMED = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false", "dir": "ltr"}


def _admitting(raw: Raw, around: Around) -> tuple[Field, ...]:
    chosen = text(raw, "visibility")
    options = tuple(Option(value, word, value == chosen, hint) for value, (word, hint) in VISIBILITY.items())
    low, high = PASSWORD_LENGTHS
    kept = "One is set; what you type takes its place and signs readers out." if around.has_password else "None is set."
    secret = {"autocomplete": "new-password", "maxlength": str(high), "dir": "ltr"}
    fields = [
        Field(name="visibility", label="Visibility", at="/state", type="radios", options=options),
        Field(
            name="password",
            label="Password",
            at="/password",
            type="password",
            hint=f"{kept} At least {low} characters.",
            extra=secret,
        ),
    ]
    if around.has_password:
        fields.append(_tick(raw, "no_password", "Take the password away", at="/no_password"))
    return tuple(fields)


def _colouring(raw: Raw) -> tuple[Field, ...]:
    return tuple(
        Field(
            name=name,
            label=COLOUR_LABELS[name],
            at=f"/branding/{name}",
            type="colour",
            value=text(raw, name),
            extra={**NAMED, "maxlength": "7", "placeholder": "#rrggbb"},
        )
        for name in COLOURS
    )


def _telling(raw: Raw) -> tuple[Field, ...]:
    return (
        _area(raw, "header_text", "Above the verdict", "Plain text, such as what these systems are."),
        _area(raw, "footer_text", "At the foot", "Plain text, such as how to reach you."),
    )


def _showing(raw: Raw) -> tuple[Field, ...]:
    days = {"inputmode": "numeric", "min": "1", "max": str(MOST_DAYS)}
    return (
        _tick(raw, "show_uptime", "Uptime and a bar for each day", at="/show_uptime"),
        _tick(
            raw, "show_latency", "How fast it answers", at="/show_latency", hint="What 95 of 100 checks do not exceed."
        ),
        Field(
            name="history_days",
            label="Days of history",
            at="/history_days",
            type="number",
            value=text(raw, "history_days"),
            hint=f"1 to {MOST_DAYS}.",
            extra=days,
        ),
    )


def _hosting(raw: Raw, around: Around) -> tuple[Field, ...]:
    about = (
        f"A name below {_listed(around.proven)}, which {'is' if len(around.proven) == 1 else 'are'} proven yours."
        if around.proven
        else "Prove a domain first; then the page may lie on it, or on a name below it."
    )
    extra = {**NAMED, "inputmode": "url", "list": "proven", "placeholder": "status.example.com"}
    return (_text(raw, "custom_domain", "Host name", hint=about, extra=extra),)


def _key(raw: Raw) -> Field:
    return _text(raw, "key", "Key", hint="What a file that is applied calls this page.", extra=NAMED)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (" and others" if len(names) > 5 else "")


def _text(
    raw: Raw, name: str, label: str, *, hint: str = "", required: bool = False, extra: Mapping[str, str] | None = None
) -> Field:
    value = text(raw, name)
    return Field(name=name, label=label, at=f"/{name}", value=value, hint=hint, required=required, extra=extra or {})


def _area(raw: Raw, name: str, label: str, hint: str) -> Field:
    extra = {"maxlength": str(TEXT_LIMIT), "dir": "auto"}
    return Field(
        name=name, label=label, at=f"/{name}", type="area", value=text(raw, name), hint=hint, rows=2, extra=extra
    )


def _select(raw: Raw, name: str, label: str, words: Mapping[str, str], hint: str) -> Field:
    options = tuple(Option(value, word, value == text(raw, name)) for value, word in words.items())
    return Field(name=name, label=label, at=f"/{name}", type="select", options=options, hint=hint)


def _tick(raw: Raw, name: str, label: str, *, at: str, hint: str = "") -> Field:
    value = "yes" if text(raw, name) == "yes" else ""
    return Field(name=name, label=label, at=at, type="tick", value=value, hint=hint)
