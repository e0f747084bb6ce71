"""What a route or a silence is about, as fields of a form and as a sentence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from control_plane.dashboard.fields import Field, Option, lines, options
from control_plane.dashboard.monitor_choice import Offered, chosen_monitors, monitors_field
from control_plane.dashboard.visit import Visit
from control_plane.dashboard.words import count
from control_plane.domain.alerting.notice_match import SEVERITIES, Match
from control_plane.domain.checks.kinds import SPECS
from control_plane.store.channels import ChannelRow
from control_plane.store.pool import Connection


def match_fields(visit: Visit, match: Match, offer: Offered) -> tuple[Field, ...]:
    """Any of each field, all of the fields; what is empty does not restrict."""
    return (
        _checks("severities", "Severity", SEVERITIES, match.severities, capital=True),
        _listed(visit, "tags", "Tags", match.tags, "Any of them, with commas between."),
        _listed(visit, "groups", "Groups", match.groups, "Any of them, one on each line."),
        _checks("kinds", "Kinds of monitors", tuple(SPECS), match.kinds, capital=False),
        monitors_field(visit, offer, chosen=match.monitor_ids, at="/match/monitor_ids"),
    )


def _checks(name: str, label: str, words: Sequence[str], chosen: Collection[str], *, capital: bool) -> Field:
    shown = {each: each.capitalize() if capital else each.replace("_", " ") for each in words}
    return Field(name=name, label=label, at=f"/match/{name}", type="checks", options=options(shown, chosen))


def _listed(visit: Visit, name: str, label: str, chosen: Sequence[str], hint: str) -> Field:
    tags = name == "tags"
    value = visit.text(name) if name in visit.form else (", " if tags else "\n").join(chosen)
    return Field(
        name=name,
        label=label,
        at=f"/match/{name}",
        type="text" if tags else "area",
        rows=2,
        value=value,
        hint=hint,
        extra={"autocomplete": "off", "spellcheck": "false"},
    )


async def match_of_form(conn: Connection, visit: Visit) -> dict[str, Any]:
    """The match as a body says it. Raises BadRequest INVALID_MONITORS for a word that is no monitor."""
    monitors = await chosen_monitors(conn, visit, at="/match/monitor_ids")
    return {
        "severities": list(visit.form.get("severities", ())),
        "tags": lines(visit.text("tags")),
        "groups": [each.strip() for each in visit.text("groups").splitlines() if each.strip()],
        "kinds": list(visit.form.get("kinds", ())),
        "monitor_ids": [str(each) for each in monitors],
    }


def typed_match(visit: Visit) -> Match:
    """What is ticked in the form, to be shown again: no value of it is checked."""
    found = (_uuid(each) for each in visit.form.get("monitors", ()))
    return Match(
        severities=tuple(visit.form.get("severities", ())),
        kinds=tuple(visit.form.get("kinds", ())),
        monitor_ids=tuple(each for each in found if each is not None),
    )


def channels_field(rows: Sequence[ChannelRow], chosen: Collection[UUID], *, at: str, label: str, hint: str) -> Field:
    return Field(
        name="channels",
        label=label,
        at=at,
        type="checks",
        options=tuple(
            Option(str(each.id), each.name, each.id in chosen, "" if each.enabled else "disabled") for each in rows
        ),
        hint=hint,
    )


def chosen_channels(visit: Visit) -> list[UUID]:
    """What is ticked, as far as it is an id; the rules refuse what is no channel."""
    return [found for each in visit.form.get("channels", ()) if (found := _uuid(each)) is not None]


def match_words(match: Match, names: Mapping[UUID, str]) -> str:
    """ "Critical or major incidents of monitors tagged prod"; every incident for a match that restricts nothing."""
    severity = f"{_any(match.severities).capitalize()} incidents" if match.severities else "Every incident"
    about = []
    if match.kinds:
        about.append(f"of kind {_any([each.replace('_', ' ') for each in match.kinds])}")
    if match.tags:
        about.append(f"tagged {_any(match.tags)}")
    if match.groups:
        about.append(f"in {_any(match.groups)}")
    if match.monitor_ids:
        known = [names[each] for each in match.monitor_ids if each in names]
        rest = len(match.monitor_ids) - len(known)
        about.append(f"named {_any([*known, *([count(rest, 'monitor') + ' more'] if rest else [])])}")
    return f"{severity} of monitors {', '.join(about)}" if about else severity


def _any(words: Sequence[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
