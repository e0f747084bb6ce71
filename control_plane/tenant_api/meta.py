"""/api/v1/meta: what this installation is and can do. Open to everybody."""

from __future__ import annotations

from functools import partial
from importlib.metadata import version

from msgspec import Struct, structs

from control_plane.domain.checks.kinds import SPECS
from control_plane.domain.field_rules import MAX_TAGS
from control_plane.domain.monitors.region_choice import MAX_REGIONS
from control_plane.domain.tenants.credentials import SCOPES
from control_plane.notify import TRANSPORTS
from control_plane.services.fleet.read_notice import Notice, read_notice
from control_plane.services.monitors.bulk_monitors import MAX_ITEMS
from control_plane.web.call import Call, Reply
from control_plane.web.paging import LIMIT_CAP
from control_plane.web.routes import BODY_LIMIT, Door, Route
from control_plane.web.streams import STREAMS_PER_KEY


class OfferedFeatures(Struct, frozen=True):
    """Kinds that may be used."""

    checks: list[str]
    channels: list[str]


class Limits(Struct, frozen=True):
    """What holds for everybody, whatever the plan: bytes of an ordinary body, items in an ordinary page and in a bulk
    request, regions and tags of a monitor, streams of one key.
    """

    body_bytes: int
    page_items: int
    bulk_items: int
    regions: int
    tags: int
    streams: int


class Meta(Struct, frozen=True):
    """About this installation. `notice`: what everybody should know now, null when there is nothing."""

    name: str
    version: str
    features: OfferedFeatures
    limits: Limits
    scopes: list[str]
    notice: Notice | None = None


ABOUT = Meta(
    name="Farwatch",
    version=version("farwatch"),
    features=OfferedFeatures(checks=sorted(SPECS), channels=sorted(TRANSPORTS)),
    limits=Limits(
        body_bytes=BODY_LIMIT,
        page_items=LIMIT_CAP,
        bulk_items=MAX_ITEMS,
        regions=MAX_REGIONS,
        tags=MAX_TAGS,
        streams=STREAMS_PER_KEY,
    ),
    scopes=list(SCOPES),
)


async def get(call: Call) -> Reply:
    return Reply(structs.replace(ABOUT, notice=await read_notice(call.deps.database)))


_route = partial(Route, door=Door.TENANT, tag="Meta")

ROUTES: tuple[Route, ...] = (
    _route(
        method="GET",
        path="/api/v1/meta",
        handler=get,
        operation="get_meta",
        summary="Version, features and limits",
        open_=True,
        reply=Meta,
        cache="public, max-age=60",
    ),
)
