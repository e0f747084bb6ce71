"""What a key is usually for, and the scopes which that takes. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec import Struct

from control_plane.domain.configuration.config_file import SECTIONS
from control_plane.domain.tenants.credentials import SCOPES


class Preset(Struct, frozen=True):
    """`key` in a form, `title` and `about` for people."""

    key: str
    title: str
    about: str
    scopes: frozenset[str]


_READS = frozenset(scope for scope in SCOPES if scope.endswith(":read"))
_DEPLOY = frozenset(
    {
        *("monitors:read", "incidents:read", "events:read"),
        *("maintenance:read", "maintenance:write", "silences:read", "silences:write"),
    }
)
_CONFIG = frozenset(
    {"config:read", "config:write", "jobs:read", "jobs:write", *(section.scope for section in SECTIONS.values())}
)
"""What a file changes needs the right to change it (services/configuration/apply_as_job.py)."""

PRESETS: tuple[Preset, ...] = (
    Preset("read", "Read everything", "A report, a wall display, a script that looks and changes nothing.", _READS),
    Preset("deploy", "A deploy", "Looks whether all is well, plans maintenance, silences for a while.", _DEPLOY),
    Preset(
        "config",
        "Configuration from a file",
        "farwatch plan and apply, from a repository.",
        _CONFIG,
    ),
    Preset("metrics", "Prometheus", "Scrapes this team's metrics and finds its targets.", frozenset({"metrics:read"})),
    Preset("all", "Everything", "Whatever you may do yourself. For your own command line.", frozenset(SCOPES)),
)
_WHOLE = ("read", "all")
"""Of these, somebody who may do less hands on what they have."""


def presets_for(own: Collection[str]) -> Sequence[Preset]:
    """What somebody with these scopes can hand on, cut to them."""
    held = frozenset(own)
    offered = [
        Preset(each.key, each.title, each.about, each.scopes & held)
        for each in PRESETS
        if each.scopes <= held or each.key in _WHOLE
    ]
    return [each for each in offered if each.scopes]
