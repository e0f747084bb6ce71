"""A plan in words and bars. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from control_plane.domain.tenants.plan import QUOTAS, PlanTerms

_NAMES = {
    "max_monitors": "Monitors",
    "members": "Members",
    "invitations": "Invitations",
    "keys": "API keys",
    "channels": "Channels",
    "status_pages": "Status pages",
    "public_components": "Public components",
    "share_links_per_monitor": "Share links of a monitor",
    "shared_monitors": "Shared monitors",
    "maintenance": "Maintenance windows",
    "private_regions": "Private regions",
    "region_agents": "Agents of a private region",
    "routes": "Routes",
    "silences": "Silences",
}
_ALMOST = 0.8
BAR = 200
"""Width of a whole bar, in the units of its drawing."""


class UsageLine(Struct, frozen=True):
    """A quota: how much of it is used, said in words, and as a bar where there is an end to it."""

    name: str
    words: str
    state: str
    """fine, almost or full: a shape and a word beside the colour."""
    width: float | None


def usage_lines(terms: PlanTerms, used: Mapping[str, int]) -> list[UsageLine]:
    """Every quota, in the order of the registry."""
    return [_line(quota, used.get(quota), terms.quotas.get(quota)) for quota in QUOTAS]


def _line(quota: str, used: int | None, limit: int | None) -> UsageLine:
    name = _NAMES.get(quota, quota.replace("_", " ").capitalize())
    if used is None:
        return UsageLine(name, "no limit" if limit is None else f"at most {limit} each", "fine", None)
    if limit is None:
        return UsageLine(name, f"{used}, no limit", "fine", None)
    share = 1.0 if used >= limit else used / limit
    state = "full" if used >= limit else "almost" if share >= _ALMOST else "fine"
    said = {"full": ", none left", "almost": f", {limit - used} left", "fine": ""}[state]
    return UsageLine(name, f"{used} of {limit}{said}", state, round(share * BAR, 1))


def feature_lines(terms: PlanTerms) -> list[tuple[str, str]]:
    """What else the plan says: name and words."""
    features = terms.features
    interval = "as each kind allows" if features.min_interval is None else f"{features.min_interval} s or more"
    kept = "as long as everything" if features.retention_days is None else f"at least {features.retention_days} days"
    return [
        ("Kinds of checks", _kinds(features.check_kinds)),
        ("Kinds of channels", _kinds(features.channel_kinds)),
        ("Regions of a monitor", "no limit" if features.max_regions is None else f"at most {features.max_regions}"),
        ("Interval", interval),
        ("History is kept", kept),
        ("API access", "yes" if features.api_access else "no"),
    ]


def _kinds(kinds: tuple[str, ...] | None) -> str:
    return "all" if kinds is None else ", ".join(kinds) or "none"
