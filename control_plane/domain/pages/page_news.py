"""What a status page has to tell its subscribers: the difference between what it shows and what it has told. Pure.

A page is looked at, not listened to: what was told last of each incident and of each time of maintenance is held
against what is there now. So nothing is missed or told twice, whoever is killed in between; several updates between
two looks are one piece of news; and nothing can be told that the page does not show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from msgspec import Struct, structs

from control_plane.domain.pages.public_page import PublicIncident, PublicMaintenance

Event = Literal[
    "incident.opened",
    "incident.updated",
    "incident.resolved",
    "maintenance.scheduled",
    "maintenance.started",
    "maintenance.ended",
    "maintenance.cancelled",
]

TO_THE_TOLD: frozenset[Event] = frozenset({"incident.resolved", "maintenance.ended", "maintenance.cancelled"})
"""Only for those who heard of what ends here."""

NEWS_FOR = timedelta(hours=24)
"""What began or was written longer ago is nobody's news: it was there before its component was."""

Key = tuple[UUID, datetime | None]
"""An incident, or a window with the instant at which one of its times begins."""


class Told(Struct, frozen=True, kw_only=True):
    """What is told, in the page's words: as it was when it was news. It has no field that the page's types have not.

    `texts`: what people wrote that was not told before, oldest first. Of maintenance `starts_at` and `ends_at`.
    """

    title: str
    components: Sequence[str]
    description: str = ""
    kind: str | None = None
    phase: str | None = None
    impact: str | None = None
    texts: Sequence[str] = ()
    started_at: datetime | None = None
    resolved_at: datetime | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    reopened: bool = False


class News(Struct, frozen=True, kw_only=True):
    """One piece of news. `upto`: what happened until then is told with it. `at`: when it happened."""

    subject: UUID
    begins_at: datetime | None
    event: Event
    component_ids: Sequence[UUID]
    told: Told
    upto: datetime

    @property
    def key(self) -> Key:
        return self.subject, self.begins_at


class LastTold(Struct, frozen=True, kw_only=True):
    """What was told last of one subject."""

    subject: UUID
    begins_at: datetime | None
    event: Event
    component_ids: Sequence[UUID]
    told: Told
    upto: datetime


def news_of(
    *,
    incidents: Sequence[PublicIncident],
    maintenance: Sequence[PublicMaintenance],
    last: Mapping[Key, LastTold],
    now: datetime,
) -> list[News]:
    """What is new, in the order in which it happened."""
    found = [
        *(one for each in incidents if (one := _of_incident(each, last.get((each.id, None)), now)) is not None),
        *_of_maintenance(maintenance, last, now),
    ]
    return sorted(found, key=lambda one: (one.upto, str(one.subject)))


def _of_incident(incident: PublicIncident, last: LastTold | None, now: datetime) -> News | None:
    if last is None:
        fresh = incident.resolved_at is None and incident.updated_at > now - NEWS_FOR
        event: Event = "incident.opened" if incident.started_at > now - NEWS_FOR else "incident.updated"
        return _incident_news(incident, event, since=None) if fresh else None
    over = last.event == "incident.resolved" or last.told.resolved_at is not None
    if incident.resolved_at is not None and not over:
        return _incident_news(incident, "incident.resolved", since=last.upto)
    if incident.resolved_at is None and over:
        return _incident_news(incident, "incident.opened", since=last.upto, reopened=True)
    newer = any(update.at > last.upto for update in incident.updates)
    return _incident_news(incident, "incident.updated", since=last.upto) if newer else None


def _incident_news(incident: PublicIncident, event: Event, *, since: datetime | None, reopened: bool = False) -> News:
    texts = [update.text for update in incident.updates if since is None or update.at > since]
    told = Told(
        title=incident.title,
        components=list(incident.components),
        description=incident.description,
        kind=incident.kind,
        phase=incident.phase,
        impact=incident.impact,
        texts=texts[-5:],
        started_at=incident.started_at,
        resolved_at=incident.resolved_at,
        reopened=reopened,
    )
    upto = incident.updated_at if since is None else max(since, incident.updated_at)
    return News(
        subject=incident.id, begins_at=None, event=event, component_ids=incident.component_ids, told=told, upto=upto
    )


def _of_maintenance(
    maintenance: Sequence[PublicMaintenance], last: Mapping[Key, LastTold], now: datetime
) -> Iterator[News]:
    known = {subject for subject, _ in last}
    for each in maintenance:
        before = last.get((each.id, each.starts_at))
        if each.active and (before is None or before.event == "maintenance.scheduled"):
            yield _maintenance_news(each, "maintenance.started", now)
        elif not each.active and before is None and each.id not in known:
            known.add(each.id)  # the first of a window's times stands for the others
            yield _maintenance_news(each, "maintenance.scheduled", now)
    there = {(each.id, each.starts_at) for each in maintenance}
    running = {each.id for each in maintenance if each.active}
    for key, one in last.items():
        if one.begins_at is None or key in there:
            continue
        if one.event == "maintenance.started" and one.subject not in running:
            yield _over(one, "maintenance.ended", now)
        elif one.event == "maintenance.scheduled":
            event: Event = "maintenance.cancelled" if one.begins_at > now else "maintenance.ended"
            yield _over(one, event, now)


def _maintenance_news(each: PublicMaintenance, event: Event, now: datetime) -> News:
    told = Told(
        title=each.title,
        components=list(each.components),
        description=each.description,
        starts_at=each.starts_at,
        ends_at=each.ends_at,
    )
    return News(
        subject=each.id,
        begins_at=each.starts_at,
        event=event,
        component_ids=each.component_ids,
        told=told,
        upto=now,
    )


def _over(one: LastTold, event: Event, now: datetime) -> News:
    return News(
        subject=one.subject,
        begins_at=one.begins_at,
        event=event,
        component_ids=one.component_ids,
        told=structs.replace(one.told, ends_at=min(one.told.ends_at or now, now)),
        upto=now,
    )
