"""`farwatch tail`: an event is one line that a person can read."""

from __future__ import annotations

import json

from control_plane.cli.tail import line_of

ALERT = {
    "monitor": {"name": "Shop"},
    "kind": "changed",
    "region": "eu",
    "fingerprint": "ff",
    "previous": "ee",
    "subject": "CN=\x1b[2Jshop",
    "not_after": "2027-02-19T04:48:40Z",
}


def test_another_certificate_is_told_with_its_end() -> None:
    line = line_of("certificate.alert", json.dumps(ALERT), "text")
    assert line.endswith("Shop  another certificate from eu: CN= [2Jshop, until 2027-02-19T04:48:40Z")


def test_a_verdict_is_told_by_its_reason() -> None:
    data = json.dumps({"monitor": {"name": "Shop"}, "verdict": "up", "reason": "Up from 1 of 1 region"})
    assert line_of("verdict.changed", data, "text").endswith("verdict.changed        Shop  Up from 1 of 1 region")


def test_programs_get_the_event_whole() -> None:
    assert json.loads(line_of("certificate.alert", json.dumps(ALERT), "json")) == {
        "event": "certificate.alert",
        "data": ALERT,
    }
