"""What a silence may be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from control_plane.domain.alerting.notice_match import Match
from control_plane.domain.channels.route_rules import Known, RouteConfig, read_route
from control_plane.domain.channels.silence_rules import SilenceConfig, read_silence, silences
from control_plane.errors import BadRequest

NOW = datetime(2026, 5, 12, 12, tzinfo=UTC)
CHANNEL = UUID(int=7)
KNOWN = Known(channels=frozenset({CHANNEL}))
BODY = {"name": "Upgrade", "ends_at": "2026-05-12T14:00:00+01:00"}


def read(body: dict[str, Any], stored: SilenceConfig | None = None) -> SilenceConfig:
    return read_silence(body, stored=stored, known=KNOWN, now=NOW)


def test_without_a_start_it_holds_from_now_on() -> None:
    made = read(BODY)
    assert (made.starts_at, made.ends_at) == (NOW, NOW + timedelta(hours=1))
    assert (made.match, made.channel_ids, made.reason) == (Match(), (), "")


def test_a_match_may_name_channels() -> None:
    made = read({**BODY, "match": {"tags": ["db"], "channel_ids": [str(CHANNEL)]}})
    assert (made.match, made.channel_ids) == (Match(tags=("db",)), (CHANNEL,))
    assert silences(Match(), made.channel_ids, channel_id=CHANNEL, severity=None, monitors=())
    assert not silences(Match(), made.channel_ids, channel_id=UUID(int=8), severity=None, monitors=())
    kept = read({"match": {"tags": None}}, stored=made)
    assert (kept.match, kept.channel_ids) == (Match(), (CHANNEL,))
    assert read({"match": None}, stored=made).channel_ids == ()


def test_an_end_that_is_past_means_now() -> None:
    stored = SilenceConfig(name="Upgrade", starts_at=NOW - timedelta(hours=1), ends_at=NOW + timedelta(hours=1))
    assert read({"ends_at": "2026-05-12T11:59:00Z"}, stored=stored).ends_at == NOW
    assert read({"reason": None}, stored=stored) == stored


@pytest.mark.parametrize(
    ("over", "code", "field"),
    [
        ({"name": ""}, "NAME_INVALID", "/name"),
        ({"ends_at": None}, "MISSING_FIELD", "/ends_at"),
        ({"ends_at": "tomorrow"}, "INVALID_TIME", "/ends_at"),
        ({"ends_at": "2026-05-12T14:00:00"}, "INVALID_TIME", "/ends_at"),
        ({"ends_at": "2026-05-12T12:00:00Z"}, "INVALID_SILENCE", "/ends_at"),
        ({"ends_at": "2026-08-11T00:00:00Z"}, "INVALID_SILENCE", "/ends_at"),
        ({"starts_at": "2026-05-12T13:00:00Z"}, "INVALID_SILENCE", "/ends_at"),
        ({"reason": "x" * 1001}, "INVALID_REASON", "/reason"),
        ({"match": []}, "INVALID_TYPE", "/match"),
        ({"match": {"channel_ids": [str(UUID(int=8))]}}, "INVALID_MATCH", "/match/channel_ids/0"),
        ({"until": "x"}, "UNKNOWN_FIELD", "/until"),
    ],
)
def test_what_a_silence_may_not_be(over: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read({**BODY, **over})
    assert (refused.value.code, refused.value.field) == (code, field)


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"name": "R"}, "MISSING_FIELD", "/channel_ids"),
        ({"name": "R", "channel_ids": [str(UUID(int=8))]}, "INVALID_MATCH", "/channel_ids/0"),
        ({"channel_ids": []}, "NAME_INVALID", "/name"),
        ({"name": "R", "channel_ids": [], "enabled": "yes"}, "INVALID_TYPE", "/enabled"),
        ({"name": "R", "channel_ids": [], "events": ["check.completed"]}, "INVALID_ALERT_CONFIG", "/events"),
        ({"name": "R", "channel_ids": [], "severity": "major"}, "UNKNOWN_FIELD", "/severity"),
        ({"name": "R", "channel_ids": [], "key": "-"}, "INVALID_KEY", "/key"),
    ],
)
def test_what_a_route_may_not_be(body: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_route(body, stored=None, known=KNOWN)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_null_gives_a_route_its_defaults_back() -> None:
    stored = RouteConfig(name="R", enabled=False, match=Match(tags=("a",)), events=("incident.opened",), key="r")
    cleared = dict.fromkeys(("enabled", "match", "events", "channel_ids", "key"))
    assert read_route(cleared, stored=stored, known=KNOWN) == RouteConfig(name="R")
