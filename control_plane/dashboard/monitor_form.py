"""The form that describes a monitor: what it offers, what was entered, and what was wrong with that, field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from control_plane.dashboard.visit import Visit
from control_plane.dashboard.words import interval, sentence
from control_plane.domain.check_rules import RULES
from control_plane.errors import FarwatchError
from control_plane.store import regions

INTERVALS = (10, 30, 60, 120, 300, 900, 1800, 3600, 21_600, 86_400)

_MOST_REGIONS = 200


class OfferedRegion(Struct, frozen=True):
    """A region that may be chosen, and whether an agent of it is alive."""

    slug: str
    name: str
    live: bool
    selected: bool


class Offer(Struct, frozen=True):
    """What the form lets one choose from."""

    regions: tuple[OfferedRegion, ...]


class Entered(Struct, frozen=True, kw_only=True):
    """The form as it is shown: what was typed, the message beside each field, and one for the whole."""

    url: str = ""
    name: str = ""
    interval: str = ""
    regions: tuple[str, ...] = ()
    problems: Mapping[str, str] = {}
    problem: str = ""

    @property
    def intervals(self) -> list[tuple[str, str]]:
        """(value, words); an interval that is not offered stays as it was typed."""
        offered = [("", _usual()), *((str(seconds), interval(seconds)) for seconds in INTERVALS)]
        known = any(value == self.interval for value, _ in offered)
        return offered if known else [(self.interval, f"{self.interval} s"), *offered]


def _usual() -> str:
    """ "1 min, certificates and domains 1 d": in the words of the kinds' own defaults."""
    often, rarely = (interval(pick(rules.default_interval_s for rules in RULES.values())) for pick in (min, max))
    return f"{often}, certificates and domains {rarely}"


async def read_offer(visit: Visit) -> Offer:
    """The regions that may be chosen. Agents are counted as the application: a tenant does not see shared ones."""
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        seen, _ = await regions.catalogue(
            conn, tenant_id=visit.tenant_id, q=None, private=None, limit=_MOST_REGIONS, offset=0
        )
    async with visit.deps.database.app() as conn:
        found = await regions.count_agents(conn, found=seen)
    return Offer(
        tuple(
            OfferedRegion(region.slug, region.name, region.healthy > 0, region.selected_by_default)
            for region in found
            if region.enabled
        )
    )


def blank(offer: Offer) -> Entered:
    """The form before anything is typed."""
    return Entered(regions=tuple(region.slug for region in offer.regions if region.selected))


def entered(visit: Visit) -> Entered:
    """What was sent."""
    return Entered(
        url=visit.text("url"),
        name=visit.text("name"),
        interval=visit.text("interval"),
        regions=tuple(visit.form.get("regions", ())),
    )


def body_of(form: Entered) -> dict[str, Any]:
    """The same as the API would be sent. What is not a number goes as it is: the rules have the words for it."""
    body: dict[str, Any] = {"name": form.name, "check": form.url, "regions": list(form.regions)}
    if form.interval:
        digits = form.interval.isascii() and form.interval.isdigit() and len(form.interval) < 10
        body["interval"] = int(form.interval) if digits else form.interval
    return body


def with_problems(form: Entered, error: FarwatchError) -> Entered:
    """The form with every refusal beside its field."""
    found = [(error.field, error.message)]
    found += [(other["field"], other["message"]) for other in (error.details or {}).get("also", ())]
    problems: dict[str, str] = {}
    rest = []
    for pointer, message in found:
        field = _FIELDS.get((pointer or "").split("/")[1] if pointer else "")
        if field is None:
            rest.append(sentence(message))
        else:
            problems.setdefault(field, sentence(message))
    return Entered(
        url=form.url,
        name=form.name,
        interval=form.interval,
        regions=form.regions,
        problems=problems,
        problem=" ".join(rest),
    )


_FIELDS: Mapping[str, str] = {"name": "name", "check": "url", "interval": "interval", "regions": "regions"}
