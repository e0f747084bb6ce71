"""What an incident is called on a page when nobody gave it a public title, in the page's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from control_plane.domain.pages.public_page import IncidentKind, Language
from control_plane.domain.pages.text_direction import isolated

_ONE: Mapping[Language, Mapping[IncidentKind, str]] = {
    "en": {"down": "{name} is down", "degraded": "{name} is degraded", "flapping": "{name} is unstable"},
    "de": {
        "down": "{name} ist ausgefallen",
        "degraded": "{name} ist beeinträchtigt",
        "flapping": "{name} ist instabil",
    },
    "ar": {"down": "{name}: انقطاع الخدمة", "degraded": "{name}: تراجع في الأداء", "flapping": "{name}: عدم استقرار"},
}
_MORE: Mapping[Language, str] = {
    "en": "{name} and {more} more",
    "de": "{name} und {more} weitere",
    "ar": "{name} (+{more})",
}
_PLURAL: Mapping[Language, Mapping[IncidentKind, str]] = {
    "en": {"down": "{name} are down", "degraded": "{name} are degraded", "flapping": "{name} are unstable"},
    "de": {
        "down": "{name} sind ausgefallen",
        "degraded": "{name} sind beeinträchtigt",
        "flapping": "{name} sind instabil",
    },
    "ar": _ONE["ar"],
}


def incident_title(public_title: str | None, *, kind: IncidentKind, names: Sequence[str], language: Language) -> str:
    """The public title, or "<component> is down". `names`: at least one, of the page's components that it touches."""
    if public_title:
        return public_title
    first = isolated(names[0], language)
    if len(names) == 1:
        return _ONE[language][kind].format_map({"name": first})
    several = _MORE[language].format_map({"name": first, "more": len(names) - 1})
    return _PLURAL[language][kind].format_map({"name": several})
