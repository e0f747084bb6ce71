"""Acting on the monitors that were ticked in the overview: pause, resume, tag. Through the service of the API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qs
from uuid import UUID

from aiohttp import web

from control_plane.dashboard.monitors.overview_views import PAGE_SIZE, read_wanted
from control_plane.dashboard.visit import Visit, see_other
from control_plane.dashboard.words import count
from control_plane.domain.field_rules import tags as read_tags
from control_plane.errors import BadRequest
from control_plane.services.monitors.bulk_monitors import Action, ActionName, Means, act_in_bulk

_ACTIONS: Mapping[str, tuple[ActionName, str]] = {
    "pause": ("disable", "paused"),
    "resume": ("enable", "resumed"),
    "tag_add": ("tag_add", "tagged"),
    "tag_remove": ("tag_remove", "untagged"),
}
_DONE = re.compile(r"(paused|resumed|tagged|untagged)-(\d{1,5})-(\d{1,5})")


async def bulk(visit: Visit) -> web.StreamResponse:
    """Do it, and back to the list as it was. Raises BadRequest for what cannot be done."""
    action, word = _action(visit)
    outcomes = await act_in_bulk(
        visit.deps.database,
        visit.deps.sealer,
        means=Means(
            tenant_id=visit.tenant_id,
            new_id=visit.deps.new_id,
            write_source=visit.caller.write_source,
            ports=visit.deps.settings.security.tcp_ports,
        ),
        monitor_ids=_chosen(visit),
        action=action,
    )
    failed = sum(outcome.error is not None for outcome in outcomes)
    back = _back(visit.text("here"))
    return see_other(f"{back}{'&' if '?' in back else '?'}said={word}-{len(outcomes) - failed}-{failed}")


def _action(visit: Visit) -> tuple[Action, str]:
    asked = _ACTIONS.get(visit.text("action"))
    if asked is None:
        raise BadRequest("Choose what is to be done with the monitors", code="INVALID_FORM", field="/action")
    name, word = asked
    if not name.startswith("tag_"):
        return Action(name=name), word
    if not visit.text("tag"):
        raise BadRequest("Say which tag is meant", code="INVALID_TAGS", field="/tag")
    return Action(name=name, tags=tuple(read_tags([visit.text("tag")], "/tag"))), word


def _chosen(visit: Visit) -> list[UUID]:
    """The ticked monitors, each once. Raises BadRequest for none, and for more than a page holds."""
    try:
        ids = list(dict.fromkeys(UUID(each) for each in visit.form.get("ids", [])))
    except ValueError:
        raise BadRequest("A monitor that was ticked has no id", code="INVALID_ID", field="/ids") from None
    if not ids:
        raise BadRequest("Tick the monitors first", code="INVALID_FORM", field="/ids")
    if len(ids) > PAGE_SIZE:
        raise BadRequest(f"Tick at most {PAGE_SIZE} monitors", code="INVALID_FORM", field="/ids")
    return ids


def _back(here: str) -> str:
    """The list that the form was sent from: only what it asks for is kept of the address, never its place."""
    fields = parse_qs(here.partition("?")[2], max_num_fields=20)
    wanted = read_wanted(lambda name: fields.get(name, [""])[0].strip()[:200])
    return wanted.href(page=wanted.page)


def bulk_words(said: str) -> str:
    """What was done, in words; nothing for what no form of ours says."""
    found = _DONE.fullmatch(said)
    if found is None:
        return ""
    word, done, failed = found[1], int(found[2]), int(found[3])
    told = f"{count(done, 'monitor')} {word}."
    return f"{told} {count(failed, 'monitor')} could not be: open one to see why." if failed else told
