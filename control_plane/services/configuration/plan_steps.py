"""What planning is given, and what it makes: one step for each object, to be shown and to be taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from control_plane.domain.channels.route_rules import RouteConfig
from control_plane.domain.configuration.config_diff import Change, PlanWarning
from control_plane.domain.configuration.config_file import Entry
from control_plane.domain.configuration.config_pages import Placed
from control_plane.domain.maintenance.maintenance import Occurrence
from control_plane.domain.maintenance.maintenance_rules import WindowConfig
from control_plane.domain.monitors.monitor_rules import MonitorConfig
from control_plane.domain.pages.page_rules import PageConfig
from control_plane.sealing import Sealer
from control_plane.services.alerting.channel_config import Prepared, Transports
from control_plane.store.channels import ChannelRow
from control_plane.store.maintenance import WindowRow
from control_plane.store.monitors import MonitorRow
from control_plane.store.page_components import ComponentRow
from control_plane.store.routes import RouteRow
from control_plane.store.status_pages import PageRow
from shared.netpolicy import PortProfile


class Means(Struct, frozen=True, kw_only=True):
    """How to plan. `prune`: what the file's sections do not have is deleted. `ports`: of checks from shared regions.

    `compare_secrets`: whether a secret of the file that differs from the stored one shows as a change. Whoever may not
    write must not find out a secret by guessing.
    """

    sealer: Sealer
    transports: Transports
    ports: PortProfile
    new_id: Callable[[], UUID]
    prune: bool = False
    compare_secrets: bool = True


class MonitorStep(Struct, frozen=True, kw_only=True):
    """`before` has its secrets opened where it changes."""

    change: Change
    row: MonitorRow | None = None
    before: MonitorConfig | None = None
    after: MonitorConfig | None = None


class ChannelStep(Struct, frozen=True, kw_only=True):
    """`prepared` is None where the configuration stays as it is, or where a secret is missing."""

    change: Change
    row: ChannelRow | None = None
    prepared: Prepared | None = None
    enabled: bool = True
    quiet_hours: dict[str, Any] | None = None


class WindowStep(Struct, frozen=True, kw_only=True):
    """`following` is what it will hold next, `current_end` the end of what it holds now where that moves."""

    change: Change
    row: WindowRow | None = None
    after: WindowConfig | None = None
    following: Occurrence | None = None
    current_end: datetime | None = None


class RouteStep(Struct, frozen=True, kw_only=True):
    """`after` is None where nothing is written."""

    change: Change
    row: RouteRow | None = None
    after: RouteConfig | None = None


class PageStep(Struct, frozen=True, kw_only=True):
    """`after` is None where nothing is written. `password`: the one to have, None: none, UNSET: as it is; its digest is
    made once the plan is taken.
    """

    change: Change
    row: PageRow | None = None
    after: PageConfig | None = None
    components: Sequence[Placed] = ()
    stored: Sequence[ComponentRow] = ()
    password: str | UnsetType | None = UNSET
    digest: str | None = None


Step: TypeAlias = MonitorStep | ChannelStep | WindowStep | RouteStep | PageStep


class Planned(Struct, frozen=True, kw_only=True):
    """The whole plan, in the order of the file, and of what is stored and not in it."""

    monitors: Sequence[MonitorStep]
    channels: Sequence[ChannelStep]
    windows: Sequence[WindowStep]
    routes: Sequence[RouteStep] = ()
    pages: Sequence[PageStep] = ()
    warnings: Sequence[PlanWarning]
    digest: str

    @property
    def steps(self) -> list[Step]:
        """All of them: channels, monitors, routes, windows, pages."""
        return [*self.channels, *self.monitors, *self.routes, *self.windows, *self.pages]

    @property
    def writes(self) -> bool:
        """Whether applying it would change anything."""
        return any(step.change.action in WRITES for step in self.steps)


WRITES = ("create", "update", "delete")


def missing(listed: Sequence[str], *, kind: str, entry: Entry, is_new: bool) -> list[PlanWarning]:
    """One warning for each secret that the file says there is, and that is nowhere."""
    what = (
        "it is new, and the file leaves this secret out" if is_new else "this secret is neither stored nor in the file"
    )
    return [
        PlanWarning(
            code=SECRET_MISSING,
            message=f"{what}: give it, such as {{env: NAME}}, or take it out of secrets",
            kind=kind,
            key=entry.key,
            field=entry.pointer + pointer,
        )
        for pointer in listed
    ]


SECRET_MISSING = "SECRET_MISSING"  # noqa: S105 - a code
