"""A body becomes a configuration, or is refused by name."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from control_plane.domain.judging.verdict import Policy
from control_plane.domain.monitors.binding_rules import Binding, named_channels
from control_plane.domain.monitors.monitor_rules import (
    MonitorConfig,
    Surroundings,
    read_monitor,
    same_schedule,
)
from control_plane.domain.monitors.region_choice import RegionChoice
from control_plane.errors import FarwatchError
from shared.checks.http import HttpCheck

CHANNEL = UUID("0192a1ce-0000-7000-8000-000000000001")
EU = RegionChoice(id=1, slug="eu", private=False)
US = RegionChoice(id=2, slug="us", private=False, selected_by_default=False)
HOME = RegionChoice(id=3, slug="home", private=True)
OFF = RegionChoice(id=4, slug="off", private=False, enabled=False)
AROUND = Surroundings((EU, US, HOME, OFF), frozenset({CHANNEL}))
BODY: dict[str, Any] = {"name": "API", "check": "https://a.example.com/"}


def read(stored: MonitorConfig | None = None, **body: Any) -> MonitorConfig:
    return read_monitor(body if stored else {**BODY, **body}, stored=stored, surroundings=AROUND)


def code(stored: MonitorConfig | None = None, **body: Any) -> tuple[int, str, str | None]:
    with pytest.raises(FarwatchError) as refused:
        read(stored, **body)
    return refused.value.status, refused.value.code, refused.value.field


def test_name_and_check_are_enough() -> None:
    config = read()
    assert config == MonitorConfig(name="API", check=HttpCheck(url="https://a.example.com/"), regions=(EU, HOME))
    assert (config.interval_s, config.confirmations, config.region_policy) == (60, 2, Policy())


def test_regions_are_kept_in_order_of_id() -> None:
    assert read(regions=["us", "eu"]).regions == (EU, US)


def test_without_a_default_region_one_has_to_be_named() -> None:
    around = Surroundings((US, OFF))
    with pytest.raises(FarwatchError) as refused:
        read_monitor(BODY, stored=None, surroundings=around)
    assert refused.value.code == "INVALID_REGIONS"
    assert read_monitor({**BODY, "regions": ["us"]}, stored=None, surroundings=around).regions == (US,)


def test_a_patch_is_merged_onto_what_is_stored() -> None:
    stored = read(tags=["a"], interval=30, group="g")
    assert read(stored, interval=20) == structs.replace(stored, interval_s=20)
    assert read(stored, tags=None, group=None, interval=None) == read()
    assert read(stored) == stored


def test_a_count_is_bounded_by_the_regions_of_the_same_body() -> None:
    assert read(regions=["eu", "us"], region_policy={"count": 2}).region_policy == Policy("count", 2)
    assert code(regions=["eu"], region_policy={"count": 2})[:2] == (422, "INVALID_REGION_POLICY")
    stored = read(regions=["eu", "us"], region_policy={"count": 2})
    assert read(stored, regions=["eu"]).region_policy == Policy("count", 2), "later capped, not refused"


def test_a_timeout_beyond_the_interval_is_refused_whichever_of_them_moves() -> None:
    slow = {"type": "http", "url": "https://a.example.com/", "timeout": 30_000}
    assert code(check=slow, interval=29) == (400, "INVALID_TIMEOUT", "/check/timeout")
    stored = read(check=slow, interval=30)
    assert code(stored, interval=20)[1] == "INVALID_TIMEOUT"
    assert code(stored, check={"timeout": 31_000})[1] == "INVALID_TIMEOUT"
    assert read(stored, interval=20, check={"timeout": 20_000}).interval_s == 20


def test_a_private_address_is_refused_once_a_shared_region_looks() -> None:
    private = read(check="http://127.0.0.1/", regions=["home"])
    assert code(private, regions=["home", "eu"])[1] == "SSRF_BLOCKED"
    assert read(private, name="x").check == HttpCheck(url="http://127.0.0.1/")


def test_bindings_name_channels_once() -> None:
    assert read(alerts=[{"channel_id": str(CHANNEL)}]).alerts == (Binding(CHANNEL),)
    twice = [{"channel_id": str(CHANNEL)}, {"channel_id": str(CHANNEL)}]
    assert code(alerts=twice) == (400, "INVALID_ALERT_CONFIG", "/alerts/1/channel_id")
    assert code(alerts=[{"channel_id": str(CHANNEL), "x": 1}])[1] == "UNKNOWN_FIELD"
    assert code(alerts={})[1] == "INVALID_TYPE"


def test_named_channels_survive_any_shape() -> None:
    shapes: list[Any] = [None, 5, "x", {}, [1, {"channel_id": 5}, {"channel_id": "x"}, {}]]
    for alerts in shapes:
        assert named_channels({"alerts": alerts}) == []
    assert named_channels({"alerts": [{"channel_id": str(CHANNEL)}]}) == [CHANNEL]


@pytest.mark.parametrize(
    ("body", "goes_on"),
    [({"name": "x"}, True), ({"confirmations": 3}, True), ({"region_policy": "any"}, True), ({"tags": ["a"]}, True),
     ({"interval": 30}, False), ({"check": {"timeout": 1000}}, False), ({"regions": ["eu"]}, False)],
)  # fmt: skip
def test_votes_go_on_unless_check_interval_or_regions_change(body: dict[str, Any], goes_on: bool) -> None:
    stored = read()
    assert same_schedule(stored, read(stored, **body)) is goes_on


def test_every_refusal_is_told() -> None:
    with pytest.raises(FarwatchError) as refused:
        read(name="", interval=5, check={"type": "http", "url": "x", "timeout": 1}, nope=1)
    told = {refused.value.field, *(other["field"] for other in (refused.value.details or {})["also"])}
    assert told == {"/nope", "/name", "/interval", "/check/url", "/check/timeout"}


RARE = ["tls://example.com", "domain://example.com"]
OFTEN = ["https://a.example.com/", "tcp://a.example.com:22", "dns://a.example.com", "ping://a.example.com"]


@pytest.mark.parametrize(
    ("check", "interval_s", "alert_on"), [(c, 60, "down") for c in OFTEN] + [(c, 86_400, "degraded") for c in RARE]
)
def test_interval_and_alarm_are_the_kinds_own_unless_they_are_given(check: str, interval_s: int, alert_on: str) -> None:
    config = read(check=check)
    assert (config.interval_s, config.alert_on) == (interval_s, alert_on)
    assert read(check=check, interval=None, alert_on=None) == config
    given = read(check=check, interval=7200, alert_on="down")
    assert (given.interval_s, given.alert_on) == (7200, "down")
    assert read(given) == given
    cleared = read(given, interval=None, alert_on=None)
    assert (cleared.interval_s, cleared.alert_on) == (interval_s, alert_on)


@pytest.mark.parametrize(("check", "floor"), [(c, 10) for c in OFTEN] + [(c, 3600) for c in RARE])
def test_an_interval_under_the_floor_of_its_kind_is_refused(check: str, floor: int) -> None:
    timeout = {"timeout": 5000}
    stored = read(read(check=check, interval=floor + 10), check=timeout)
    assert read(stored, interval=floor).interval_s == floor
    assert code(check=check, interval=floor - 1) == (422, "MIN_CHECK_INTERVAL", "/interval")
    assert code(stored, interval=floor - 1) == (422, "MIN_CHECK_INTERVAL", "/interval")


def test_a_bad_interval_is_named_beside_a_bad_check() -> None:
    with pytest.raises(FarwatchError) as refused:
        read(check="nonsense", interval=1)
    named = [refused.value.code, *(other["code"] for other in (refused.value.details or {})["also"])]
    assert named == ["INVALID_URL_FORMAT", "MIN_CHECK_INTERVAL"]


def test_the_profile_of_ports_holds_where_a_shared_region_looks() -> None:
    strict = Surroundings((EU, HOME), ports="strict")
    body = {"name": "DB", "check": "tcp://db.example.com:5432"}
    with pytest.raises(FarwatchError) as refused:
        read_monitor({**body, "regions": ["eu", "home"]}, stored=None, surroundings=strict)
    assert (refused.value.code, refused.value.field) == ("PORT_BLOCKED", "/check")
    private = read_monitor({**body, "regions": ["home"]}, stored=None, surroundings=strict)
    assert private.regions == (HOME,)
    with pytest.raises(FarwatchError, match="port 5432"):
        read_monitor({"regions": ["eu"]}, stored=private, surroundings=strict)
