"""An agent of this version and a control plane that knows more: the rest of its work goes on."""

from __future__ import annotations

import time
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from msgspec import Struct

from agent.link import assignments, newer_checks
from shared.checks import Check
from shared.protocol import ANY_KIND, Assignment, Assignments, Dispatch, Dispatches
from shared.results import CheckResult, Outcome, Reason
from tests.integration.agent.test_agent_life import agent, assignment, detail_of, working
from tests.support import targets
from tests.support.fake_control_plane import FakeControlPlane
from tests.support.targets import serving
from tests.support.waiting import until


class PigeonCheck(Struct, frozen=True, tag="pigeon", tag_field="type"):
    """A kind of the future."""

    loft: str = "a.example"


class LaterTcpCheck(Struct, frozen=True, tag="tcp", tag_field="type"):
    """A kind that we know, with a field that says what ours cannot."""

    host: str = "a.example"
    port: str = "ssh"


PIGEON: Check = PigeonCheck()  # type: ignore[assignment]
LATER: Check = LaterTcpCheck()  # type: ignore[assignment]
UNKNOWN = "This agent does not know checks of kind pigeon; update it"


def newer(known: Assignment, check: Check = PIGEON) -> Assignment:
    return msgspec.structs.replace(known, monitor_id=uuid4(), check=check)


def newest(plane: FakeControlPlane, of: Assignment) -> CheckResult:
    return max((each for each in plane.stored.values() if each.monitor_id == of.monitor_id), key=lambda each: each.slot)


def has_result(plane: FakeControlPlane, *of: Assignment) -> bool:
    return {each.monitor_id for each in of} <= {monitor_id for monitor_id, _ in plane.stored}


@pytest.mark.parametrize("in_snapshot", [True, False])
async def test_a_check_of_an_unknown_kind_is_incapable_and_the_others_run(tmp_path: Path, in_snapshot: bool) -> None:
    plane = FakeControlPlane()
    async with serving(targets.ok()) as port, plane.serving() as url:
        known = assignment(port, first_slot=1000)
        odd, later = newer(known), newer(known, LATER)
        if not in_snapshot:
            plane.assign(assignment(port))
        for each in (odd, known, later) if in_snapshot else ():
            plane.assign(each)
        async with agent(url, tmp_path) as app:
            await until(lambda: plane.stored, "the agent is at work")
            for each in () if in_snapshot else (odd, known, later):
                plane.assign(each)
            await until(lambda: has_result(plane, odd, known, later), "each of them has a result")
            polls = plane.unchanged
            await until(lambda: plane.unchanged > polls, "the agent holds what the control plane has: a poll is 304")
            assert len(working(app).work.entries) == len(plane.assignments)
    said = newest(plane, odd)
    assert (said.outcome, said.reason, detail_of(said).message) == (Outcome.ERROR, Reason.INCAPABLE, UNKNOWN)
    said = newest(plane, later)
    assert (said.outcome, said.reason) == (Outcome.ERROR, Reason.INCAPABLE)
    assert detail_of(said).message == "This agent cannot read this check of kind tcp; update it"
    assert newest(plane, known).outcome is Outcome.UP


async def test_an_agent_says_that_it_can_hold_any_kind(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with plane.serving() as url, agent(url, tmp_path):
        await until(lambda: plane.hellos, "the agent has said hello")
    assert {ANY_KIND, "http", "dns"} <= set(plane.hellos[0].capabilities)


async def test_an_agent_that_was_updated_runs_what_it_could_not(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    async with serving(targets.ok()) as port, plane.serving() as url:
        known = assignment(port, first_slot=1000)
        odd = newer(known)
        plane.assign(odd)
        async with agent(url, tmp_path):
            await until(lambda: has_result(plane, odd), "it was told of")
        plane.assignments[odd.monitor_id] = msgspec.structs.replace(odd, check=known.check)  # the same revision
        async with agent(url, tmp_path):
            await until(lambda: newest(plane, odd).outcome is Outcome.UP, "the check has run")


async def test_what_could_not_be_handed_out_whole_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assignments, "ASK_AGAIN_S", 0.5)
    plane = FakeControlPlane()
    async with serving(targets.ok()) as port, plane.serving() as url:
        known = assignment(port, first_slot=1000)
        odd = msgspec.structs.replace(known, unavailable="The stored check cannot be read.")
        plane.assign(odd)
        async with agent(url, tmp_path):
            await until(lambda: has_result(plane, odd), "it was told of")
            assert newest(plane, odd).reason is Reason.CREDENTIAL
            plane.assignments[odd.monitor_id] = known  # the same revision
            await until(lambda: newest(plane, odd).outcome is Outcome.UP, "the check has run")


async def test_a_test_of_an_unknown_kind_is_answered_and_unknown_work_is_left_out(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    now = int(time.time() * 1000)
    odd = Dispatch(id=uuid4(), kind="test", slot=now, expires_at=now + 60_000, tenant_id=uuid4(), check=PIGEON)
    async with serving(targets.ok()) as port, plane.serving() as url, agent(url, tmp_path):
        await until(lambda: plane.hellos, "the agent has said hello")
        known = msgspec.structs.replace(odd, id=uuid4(), check=assignment(port).check)
        unknown = msgspec.structs.replace(odd, kind="registry_scan", check=None)
        plane.dispatch(unknown, odd, known)
        await until(lambda: len(plane.tests) == 2, "both tests are answered")
    said = {each.monitor_id: each for each in plane.tests}
    assert (said[odd.id].outcome, said[odd.id].reason) == (Outcome.ERROR, Reason.INCAPABLE)
    assert detail_of(said[odd.id]).message == UNKNOWN
    assert said[known.id].outcome is Outcome.UP


def test_what_can_be_read_is_read_as_it_was_sent() -> None:
    known = assignment(1)
    page = Assignments(1, "s.1", (uuid4(),), upserts=(known, newer(known)), digest="0" * 16)
    read = newer_checks.read(msgspec.json.encode(page), Assignments)
    assert msgspec.structs.replace(read, upserts=read.upserts[:1]) == msgspec.structs.replace(page, upserts=(known,))
    odd = page.upserts[1]
    assert (read.upserts[1].monitor_id, read.upserts[1].revision) == (odd.monitor_id, odd.revision)


@pytest.mark.parametrize("page", ["[]", '{"server_time":1,"upserts":7}', '{"server_time":1,"items":[3],"upserts":[3]}'])
def test_what_is_no_answer_at_all_is_still_refused(page: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        newer_checks.read(page.encode(), Assignments)
    with pytest.raises(msgspec.ValidationError):
        newer_checks.read(b"{}", Dispatches)
