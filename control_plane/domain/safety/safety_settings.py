"""What the operator may set while Farwatch runs, with types and defaults. Pure.

A setting is a field here; only what differs from its default has a row in operator_settings. The rule of domains:
unverified ones are capped at one monitor and one check an hour for each tenant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

Proof = Annotated[
    bool,
    Meta(description="Whether a domain that its tenant has not proven has one monitor and one check an hour."),
]
PortsPerHost = Annotated[
    int,
    Meta(ge=0, le=1_000_000, description="Ports of one host that a tenant may name within an hour; 0 is no limit."),
]
HostsPerPort = Annotated[
    int,
    Meta(ge=0, le=1_000_000, description="Hosts on one port that a tenant may name within an hour; 0 is no limit."),
]
Front = Annotated[
    Literal["about", "page", "everybody"],
    Meta(
        description="What / shows to strangers: what Farwatch is and the way in (about), the status page of front_page "
        "(page), or what people without an account show (everybody)."
    ),
]
FrontPage = Annotated[
    str, Meta(max_length=60, description="The slug of the published status page that / shows; empty is none.")
]
SiteName = Annotated[
    str,
    Meta(min_length=1, max_length=60, description="What this installation is called, on pages that are no tenant's."),
]


class SafetySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What the operator has set, or the default."""

    require_domain_verification: Proof = False
    scan_ports_per_host: PortsPerHost = 30
    scan_hosts_per_port: HostsPerPort = 1000
    front: Front = "about"
    front_page: FrontPage = ""
    site_name: SiteName = "Farwatch"


UNVERIFIED_MONITORS = 1
UNVERIFIED_INTERVAL_S = 3600

NAMES = tuple(field.name for field in msgspec.structs.fields(SafetySettings))


def settings_of(rows: Mapping[str, Any]) -> SafetySettings:
    """From what is stored. A row of another release, or with a value that is none, is passed over."""
    known: dict[str, Any] = {}
    for name, value in rows.items():
        try:
            msgspec.convert({name: value}, SafetySettings)
        except msgspec.ValidationError:
            continue
        known[name] = value
    return msgspec.convert(known, SafetySettings)
