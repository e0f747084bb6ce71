"""Notices in words, the same for every channel that people read: one notice, or many in one message. Pure.

Everything here comes from the stored bodies, which name no part of a check, so no secret can be in it; and from what
only the moment of sending knows. A channel's own texts replace ours last (domain/alerting/message_template.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct, structs

from control_plane.domain.alerting.alerting import IncidentFacts
from control_plane.domain.alerting.message_template import fill
from control_plane.domain.alerting.message_words import Fact, Phase, Tone, Words
from control_plane.domain.span_words import moment, short, span
from control_plane.notify.render_digest import digest
from control_plane.notify.told import Told

MAX_TAGS = 10

TEST_TITLE = "Farwatch test: nothing is wrong"
"""At 3 a.m. the first line alone must say that nobody has to get up."""

_HIGH = frozenset({"major", "critical"})


class Surroundings(Struct, frozen=True, kw_only=True):
    """What a message says beyond the stored bodies. `notice` is the first one's kind (store/deliveries.py).

    `templates`: the tenant's own texts of this channel, by what they replace. `acknowledge_url`: where a person who
    reads this may acknowledge the incident.
    """

    notice: str = "opened"
    now: datetime | None = None
    acknowledge_url: str | None = None
    templates: Mapping[str, str] | None = None


_PLAIN = Surroundings()


def words(told: Sequence[Told], around: Surroundings = _PLAIN) -> Words:
    """One notice as itself, several as a digest."""
    if len(told) == 1:
        return _with_templates(_single(told[0], around), told[0], around)
    return digest([(each, label(each), tone([each])) for each in told])


def _single(told: Told, around: Surroundings) -> Words:
    summary, facts = _lines(told), tuple(_facts(told, around))
    return Words(
        title=_title(told, around),
        text="\n".join([*summary, *(f"{fact.label}: {fact.value}" for fact in facts)]),
        summary="\n".join(summary),
        facts=facts,
        tone=tone([told]),
        phase=_phase(told, around),
        severity=None if told.incident is None else told.incident.severity,
        url=None if told.incident is None else told.incident.url,
        acknowledge_url=None if told.resolved or told.is_test else around.acknowledge_url,
    )


def _lines(told: Told) -> list[str]:
    return [line for line in (short(told.reason),) if line]


def _title(told: Told, around: Surroundings) -> str:
    subject, incident = told.subject, told.incident
    if told.is_test:
        return TEST_TITLE
    if incident is None or told.event.startswith("operator.") or told.monitor is None:
        return f"{subject}: {label(told)}"
    if told.resolved:
        lasted = "" if incident.resolved_at is None else f" after {span(incident.resolved_at - incident.started_at)}"
        return f"{subject} is up again{lasted}"
    state = f"{_state(incident)}{_from(incident)}"
    match around.notice:
        case "reminder":
            return f"{subject} is still {state}"
        case "escalated" if told.reason.startswith("Not acknowledged"):
            return f"Not acknowledged: {subject} is {state}"
        case "escalated":
            return f"{subject} is now {state}"
        case _:
            return f"{subject} is {state}"


def _state(incident: IncidentFacts) -> str:
    return incident.type.replace("_", " ")


def _from(incident: IncidentFacts) -> str:
    """From how many of the regions that have a say; nothing where there is but one, or none."""
    down, every = len(incident.regions_down), len(incident.regions_down) + len(incident.regions_up)
    return f" from {down} of {every} regions" if down and every > 1 else ""


def _facts(told: Told, around: Surroundings) -> list[Fact]:
    incident, monitor = told.incident, told.monitor
    if told.is_test:
        return []
    given: list[tuple[str, str]] = []
    if incident is not None:
        given += _times(told, incident, now=around.now)
        if not told.resolved:
            given += [
                ("Down from", ", ".join(incident.regions_down)),
                ("Up from", ", ".join(incident.regions_up)),
            ]
        given += [("Cause", _cause(told, incident)), ("Severity", incident.severity)]
    if monitor is not None:
        given += [("Group", monitor.group or ""), ("Tags", ", ".join(monitor.tags[:MAX_TAGS]))]
    if incident is not None and monitor is not None:
        given.append(("Incident", f"#{incident.number}"))
    return [Fact(name, value) for name, value in given if value]


def _times(told: Told, incident: IncidentFacts, *, now: datetime | None) -> list[tuple[str, str]]:
    since = moment(incident.started_at, now=now)
    if incident.resolved_at is not None:
        lasted = span(incident.resolved_at - incident.started_at)
        return [("Lasted", f"{lasted}, from {since} to {moment(incident.resolved_at, now=now)}")]
    if told.occurred_at is None or told.event.endswith(".opened"):
        return [("Since", since)]
    return [("Since", f"{since} ({span(told.occurred_at - incident.started_at)})")]


def _cause(told: Told, incident: IncidentFacts) -> str:
    """What it was, where the reason tells of something else."""
    cause = short(incident.cause)
    return "" if cause == short(told.reason) else cause


def label(told: Told) -> str:
    """What has happened, in a few words, as it stands after a name."""
    if told.is_test:
        return "test"
    if told.incident is None:
        return told.event.replace(".", " ").replace("_", " ")
    if told.resolved:
        return "resolved"
    if told.event.endswith(".updated"):
        return f"now {_state(told.incident)}" if told.incident.type == "down" else "updated"
    return _state(told.incident)


def tone(told: Sequence[Told]) -> Tone:
    """How it is meant, all in all."""
    if all(each.resolved or each.event.endswith((".recovered", ".ended")) for each in told):
        return "relief"
    return "alarm" if any(_urgent(each) for each in told) else "note"


def _urgent(told: Told) -> bool:
    return told.incident is not None and told.is_of_incident and told.incident.severity in _HIGH and not told.resolved


def _phase(told: Told, around: Surroundings) -> Phase:
    if told.is_test:
        return "test"
    if told.incident is None or around.notice == "event":
        return "event"
    if told.resolved:
        return "resolve"
    return "open" if around.notice == "opened" else "update"


def _with_templates(made: Words, told: Told, around: Surroundings) -> Words:
    """The tenant's own texts. A title stays one line, and a template that comes to nothing leaves our words."""
    given = around.templates or {}
    title, text = (given.get(f"resolved_{part}" if told.resolved else part) for part in ("title", "text"))
    if told.is_test or not (title or text):
        return made
    values = _values(made, told, around)
    new_title = " ".join(fill(title, values).split()) if title else ""
    new_text = fill(text, values).strip() if text else ""
    if not new_text:
        return structs.replace(made, title=new_title or made.title)
    return structs.replace(made, title=new_title or made.title, text=new_text, summary=new_text, facts=())


def _values(made: Words, told: Told, around: Surroundings) -> dict[str, str]:
    values = {
        "title": made.title,
        "text": made.text,
        "event": told.event,
        "reason": short(told.reason),
        "acknowledge_url": made.acknowledge_url or "",
    }
    if told.monitor is not None:
        values |= {
            "monitor.name": told.monitor.name,
            "monitor.number": str(told.monitor.number),
            "monitor.kind": told.monitor.kind,
            "monitor.group": told.monitor.group or "",
            "monitor.tags": ", ".join(told.monitor.tags),
        }
    if told.incident is not None:
        values |= _values_of(told.incident, now=told.occurred_at or around.now)
    return values


def _values_of(incident: IncidentFacts, *, now: datetime | None) -> dict[str, str]:
    until = incident.resolved_at or now or incident.started_at
    return {
        "incident.number": str(incident.number),
        "incident.type": _state(incident),
        "incident.severity": incident.severity,
        "incident.cause": short(incident.cause),
        "incident.started_at": f"{incident.started_at:%Y-%m-%d %H:%M} UTC",
        "incident.duration": span(until - incident.started_at),
        "incident.regions_down": ", ".join(incident.regions_down),
        "incident.regions_up": ", ".join(incident.regions_up),
        "incident.url": incident.url or "",
    }
