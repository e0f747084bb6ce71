"""Write a tenant's configuration down as a file would say it. Pure, once it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from control_plane.domain.configuration.config_channels import short_channel, whole_channel
from control_plane.domain.configuration.config_file import VERSION
from control_plane.domain.configuration.config_monitors import ORDER, secrets_of, short_monitor, whole_monitor
from control_plane.domain.configuration.config_names import Names
from control_plane.domain.configuration.config_pages import PASSWORD, short_page, whole_page
from control_plane.domain.configuration.config_routes import short_route, whole_route
from control_plane.domain.configuration.config_windows import short_window, whole_window
from control_plane.services.alerting import route_rows
from control_plane.services.configuration.read_configuration import (
    Stored,
    names_of,
    page_keys,
    placed_on,
    route_keys,
    window_keys,
)
from control_plane.services.maintenance.maintenance_rows import config_of
from control_plane.services.pages.page_rows import config_of as config_of_page
from control_plane.store.channels import ChannelRow
from control_plane.store.maintenance import WindowRow
from control_plane.store.monitors import MonitorRow
from control_plane.store.routes import RouteRow
from control_plane.store.status_pages import PageRow


def export_configuration(stored: Stored) -> dict[str, Any]:
    """The file: channels by name, monitors, routes, windows and status pages by key.

    A section without objects is left out. An object without a key has the one that is suggested for it, and its id
    under `adopt`.
    """
    names, keys = names_of(stored), window_keys(stored)
    sections: dict[str, Sequence[Mapping[str, Any]]] = {
        "channels": sorted((channel_entry(row) for row in stored.channels), key=lambda entry: str(entry["name"])),
        "monitors": sorted(
            (monitor_entry(stored, row, names) for row in stored.monitors), key=lambda entry: str(entry["key"])
        ),
        "routes": sorted(
            (route_entry(stored, row, names) for row in stored.routes), key=lambda entry: str(entry["key"])
        ),
        "maintenance": sorted(
            (window_entry(row, names, keys) for row in stored.windows), key=lambda entry: str(entry["key"])
        ),
        "status_pages": sorted(
            (page_entry(stored, row, names) for row in stored.pages), key=lambda entry: str(entry["key"])
        ),
    }
    return {"version": VERSION, **{name: section for name, section in sections.items() if section}}


def export_monitor(stored: Stored, row: MonitorRow) -> dict[str, Any]:
    """A file of one monitor."""
    return {"version": VERSION, "monitors": [monitor_entry(stored, row, names_of(stored))]}


def monitor_entry(stored: Stored, row: MonitorRow, names: Names) -> dict[str, Any]:
    """One monitor without what is default or secret; `secrets` lists where those are."""
    config = stored.config(row)
    entry = {"key": names.key_of[row.id], **short_monitor(whole_monitor(config, names), names)}
    if row.key is None:
        entry["adopt"] = str(row.id)
    if secret := secrets_of(config.check):
        entry["secrets"] = secret
    return {name: entry[name] for name in ORDER if name in entry}


def channel_entry(row: ChannelRow) -> dict[str, Any]:
    """One channel, likewise."""
    whole, secret = whole_channel(name=row.name, shown=row.config, enabled=row.enabled, quiet_hours=row.quiet_hours)
    return short_channel(whole) | ({"secrets": secret} if secret else {})


def window_entry(row: WindowRow, names: Names, keys: Mapping[UUID, str]) -> dict[str, Any]:
    """One window, likewise."""
    whole = whole_window(config_of(row), names)
    short = short_window(whole, written_at=row.created_at)
    return {"key": keys[row.id], **({"adopt": str(row.id)} if row.key is None else {}), **short}


def route_entry(stored: Stored, row: RouteRow, names: Names) -> dict[str, Any]:
    """One route, likewise."""
    short = short_route(whole_route(route_rows.config_of(row), names))
    adopted = {"adopt": str(row.id)} if row.key is None else {}
    return {"key": route_keys(stored)[row.id], **adopted, **short}


def page_entry(stored: Stored, row: PageRow, names: Names) -> dict[str, Any]:
    """One status page, likewise. Its logo is not said."""
    short = short_page(whole_page(config_of_page(row), placed_on(stored, row.id), names))
    adopted = {"adopt": str(row.id)} if row.key is None else {}
    secret = {"secrets": [PASSWORD]} if row.password_digest is not None else {}
    return {"key": page_keys(stored)[row.id], **adopted, **short, **secret}
