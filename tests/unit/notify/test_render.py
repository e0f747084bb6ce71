"""Notices in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec import structs

from control_plane.domain.alerting.alerting import IncidentFacts, MonitorFacts, NoticeBody, notice_body
from control_plane.domain.alerting.operator_notice import Named, OperatorNotice, notice_text
from control_plane.domain.alerting.synthetic import test_body as synthetic_body
from control_plane.domain.span_words import MAX_TEXT
from control_plane.notify.render import Surroundings, words
from control_plane.notify.render_digest import MAX_GROUPS
from control_plane.notify.told import Told, read_body

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
REFUSED = "Down from 2 of 3 regions: The connection was refused"


def incident(number: int, *, severity: str = "major", cause: str = REFUSED, url: str | None = None) -> IncidentFacts:
    return IncidentFacts(
        id=UUID(int=number),
        number=number,
        type="down",
        severity=severity,
        state="triggered",
        started_at=AT,
        resolved_at=None,
        cause=cause,
        regions_down=("eu", "us"),
        regions_up=("ap",),
        url=url,
    )


def told(
    number: int = 1,
    *,
    event: str = "incident.opened",
    severity: str = "major",
    cause: str = REFUSED,
    reason: str = "",
    ended: datetime | None = None,
) -> Told:
    body = NoticeBody(
        event=event,
        delivery_id=UUID(int=number),
        occurred_at=AT,
        tenant_id=UUID(int=9),
        monitor=MonitorFacts(id=UUID(int=number), number=number, name=f"API {number}", kind="http", tags=("eu-1",)),
        incident=structs.replace(
            incident(number, severity=severity, cause=cause, url="https://fw.example/app/incidents/1"),
            resolved_at=ended,
        ),
        reason=reason or cause,
    )
    return read_body(notice_body(body).encode())


def test_an_opening_says_what_is_down_why_and_from_where() -> None:
    said = words([told()])
    assert said.title == "API 1 is down from 2 of 3 regions"
    assert said.text.split("\n") == [
        REFUSED,
        "Since: 1 March 2026, 12:00 UTC",
        "Down from: eu, us",
        "Up from: ap",
        "Severity: major",
        "Tags: eu-1",
        "Incident: #1",
    ]
    assert said.summary == REFUSED
    assert (said.tone, said.phase, said.url) == ("alarm", "open", "https://fw.example/app/incidents/1")


def test_today_needs_no_date() -> None:
    said = words([told()], Surroundings(now=AT + timedelta(minutes=3)))
    assert "Since: 12:00 UTC" in said.text.split("\n")


def test_a_recovery_is_a_relief_and_says_how_long_it_was() -> None:
    said = words([told(event="incident.resolved", reason="Up in 3 of 3 regions", ended=AT + timedelta(minutes=95))])
    assert (said.title, said.tone, said.phase) == ("API 1 is up again after 1 h 35 min", "relief", "resolve")
    lines = said.text.split("\n")
    assert lines[0] == "Up in 3 of 3 regions"
    assert "Lasted: 1 h 35 min, from 1 March 2026, 12:00 UTC to 1 March 2026, 13:35 UTC" in lines
    assert f"Cause: {REFUSED}" in lines
    assert "Down from" not in said.text.replace(REFUSED, "")


def test_each_notice_says_where_in_the_incident_it_stands() -> None:
    def title(notice: str, reason: str = "Still down after 1 h: reminder 1 of 10") -> str:
        return words([told(event="incident.updated", reason=reason)], Surroundings(notice=notice)).title

    assert title("reminder") == "API 1 is still down from 2 of 3 regions"
    assert title("escalated", "Down from 3 of 3 regions") == "API 1 is now down from 2 of 3 regions"
    assert title("escalated", "Not acknowledged for 15 min") == "Not acknowledged: API 1 is down from 2 of 3 regions"


def test_only_what_is_not_over_can_be_acknowledged() -> None:
    around = Surroundings(acknowledge_url="https://fw.example/ack/t")
    assert words([told()], around).acknowledge_url == "https://fw.example/ack/t"
    assert words([told(event="incident.resolved")], around).acknowledge_url is None


def test_an_event_without_an_incident_is_told_by_its_name() -> None:
    said = words([Told(event="maintenance.started", reason="Database upgrade, until 14:00 UTC")])
    assert (said.title, said.text, said.phase) == (
        "Farwatch: maintenance started",
        "Database upgrade, until 14:00 UTC",
        "event",
    )
    assert said.tone == "note"


def test_a_channels_own_texts_replace_ours_and_are_never_read_twice() -> None:
    around = Surroundings(templates={"title": "[{incident.severity}] {monitor.name}", "text": "{reason}\n{text}"})
    said = words([told(reason="{incident.url} {monitor.name}")], around)
    assert said.title == "[major] API 1"
    assert said.text.startswith("{incident.url} {monitor.name}\n")
    assert said.facts == ()
    assert words([told(event="incident.resolved")], around).title.startswith("API 1 is up again")


def test_a_template_that_comes_to_nothing_leaves_our_words() -> None:
    around = Surroundings(templates={"title": "{monitor.group}", "text": " {monitor.group} "})
    assert words([told()], around) == words([told()])


def test_a_minor_incident_is_no_alarm() -> None:
    assert words([told(severity="minor")]).tone == "note"


def test_a_test_says_that_it_is_one_and_alarms_nobody() -> None:
    body = synthetic_body(delivery_id=UUID(int=1), tenant_id=UUID(int=2), now=AT)
    said = words([read_body(body.encode())])
    assert "test" in said.title.lower()
    assert "Nothing is wrong" in said.text
    assert said.tone == "note"


def test_an_operators_notice_is_told_by_its_agent() -> None:
    notice = OperatorNotice(
        event="operator.incident.opened",
        delivery_id=UUID(int=1),
        occurred_at=AT,
        incident=incident(1, severity="major", cause="x"),
        agent=Named(id="a", name="eu-1"),
        region=None,
        reason="No contact for 90 s",
    )
    assert words([read_body(notice_text(notice).encode())]).title == "eu-1: down"


def test_a_digest_counts_groups_by_cause_and_names_a_few() -> None:
    notices = [told(n) for n in range(1, 1991)]
    notices += [told(n, cause="Down from 3 of 3 regions: timed out") for n in range(3000, 3003)]
    said = words(notices)
    assert said.title == "Farwatch: 1 993 opened"
    lines = said.text.split("\n")
    assert lines[0] == f"1 990 down: API 1, API 2, API 3, API 4, API 5 and 1 985 more. {REFUSED}"
    assert lines[1].startswith("3 down: API 3000, API 3001, API 3002. Down from 3")
    assert said.tone == "alarm"


def test_an_incident_that_came_and_went_within_a_digest_is_told_as_both() -> None:
    said = words([told(1), told(2), told(1, event="incident.resolved", reason="Up again")])
    assert said.title == "Farwatch: 2 opened, 1 resolved"
    assert "1 opened and resolved: API 1." in said.text
    assert "1 down: API 2." in said.text


def test_a_digest_of_recoveries_is_a_relief() -> None:
    said = words([told(n, event="incident.resolved") for n in (1, 2)])
    assert (said.title, said.tone) == ("Farwatch: 2 resolved", "relief")


def test_a_digest_is_bounded_in_lines_whatever_the_causes() -> None:
    said = words([told(n, cause=f"Cause {n} " + "x" * 1000) for n in range(50)])
    lines = said.text.split("\n")
    assert len(lines) == MAX_GROUPS + 1
    assert lines[-1] == f"and {50 - MAX_GROUPS} more, of {50 - MAX_GROUPS} other causes"
    assert all(len(line) < MAX_TEXT + 100 for line in lines)
