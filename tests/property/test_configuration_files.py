"""What is exported plans as no change, and makes an empty tenant the same: for any configuration that is accepted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from control_plane.domain.configuration.config_components import read_components
from control_plane.domain.configuration.config_monitors import monitor_body, secrets_of, short_monitor, whole_monitor
from control_plane.domain.configuration.config_names import Names
from control_plane.domain.configuration.config_pages import Placed, page_body, page_changes, short_page, whole_page
from control_plane.domain.configuration.config_windows import short_window, whole_window, window_body
from control_plane.domain.configuration.config_write import to_yaml
from control_plane.domain.configuration.config_yaml import read_yaml
from control_plane.domain.maintenance.maintenance_rules import read_window
from control_plane.domain.monitors.monitor_rules import MonitorConfig, Surroundings, read_monitor
from control_plane.domain.monitors.region_choice import RegionChoice
from control_plane.domain.pages.page_rules import PageConfig, read_page
from control_plane.errors import FarwatchError
from control_plane.services.installation.identity import new_id
from tests.property.test_check_round_trip import CHECKS, OF_KIND, whole_or_part

REGIONS = tuple(
    RegionChoice(id=place, slug=slug, private=False, selected_by_default=slug != "jp")
    for place, slug in enumerate(("eu", "us", "jp"), start=1)
)
MONITORS = {key: new_id() for key in ("api", "db", "web/1")}
CHANNELS = {name: new_id() for name in ("Ops", "On call")}
NAMES = Names(
    regions=REGIONS,
    key_of={one: key for key, one in MONITORS.items()},
    monitors=MONITORS | {str(one): one for one in MONITORS.values()},
    channel_name_of={one: name for name, one in CHANNELS.items()},
    channels=CHANNELS,
)
SURROUNDINGS = Surroundings(REGIONS, frozenset(CHANNELS.values()), "any", NAMES.monitors)
NOW = datetime(2026, 5, 12, 12, tzinfo=UTC)
EVENTS = ("incident.opened", "incident.resolved")
REGIONLESS = st.sampled_from(
    [
        {"type": "heartbeat", "period": 3600},
        {"type": "heartbeat", "cron": "0 3 * * *", "timezone": "Europe/Berlin", "grace": 60},
        {"type": "composite", "at_least": 1, "of": {"monitors": ["web/1", "api"]}},
        {"type": "composite", "at_least": 2, "of": {"tag": "db"}},
        "https://a.example.com/x",
        "tcp://a.example.com:5432",
        "dns://a.example.com?type=MX",
    ]
)
OPTIONAL: dict[str, st.SearchStrategy[Any]] = {
    "interval": st.sampled_from([60, 3600, 86_400]),
    "regions": st.permutations(["eu", "us", "jp"]).map(lambda slugs: slugs[:2]) | st.just(["eu", "us"]),
    "region_policy": st.sampled_from(["any", "majority", "all", {"count": 1}]),
    "confirmations": st.integers(1, 3),
    "tags": st.lists(st.sampled_from(["db", "team:a", "no"]), max_size=3),
    "group": st.none() | st.sampled_from(["Shop", "yes"]),
    "alerts": st.lists(
        st.fixed_dictionaries(
            {"channel": st.sampled_from(sorted(CHANNELS))}, optional={"events": st.permutations(EVENTS) | st.none()}
        ),
        max_size=2,
        unique_by=lambda alert: str(alert["channel"]),
    ),
    "notify_recovery": st.booleans(),
    "renotify_interval_secs": st.sampled_from([0, 3600, 7200]),
    "max_repeats": st.integers(0, 20),
    "escalations": st.sampled_from([[], [{"after_s": 60, "channels": ["Ops"]}]]),
    "severity": st.sampled_from(["minor", "major", "critical"]),
    "alert_on": st.sampled_from(["down", "degraded"]),
    "backoff_when_down": st.booleans(),
    "sla": st.none() | st.sampled_from([{"target": 99.9}, {"target": 100, "period_days": 7}]),
    "depends_on": st.lists(st.sampled_from(sorted(MONITORS)), max_size=3),
    "owner": st.none() | st.just("data team"),
    "notes": st.none() | st.sampled_from(["one\ntwo\n", "1e5", " x"]),
    "enabled": st.booleans(),
}
ENTRIES = st.fixed_dictionaries(
    {
        "key": st.just("this"),
        "name": st.sampled_from(["API", "0x1F", "no", "é: b"]),
        "check": CHECKS
        | REGIONLESS
        | st.sampled_from(sorted(OF_KIND)).flatmap(whole_or_part).map(lambda pair: pair[0]),
    },
    optional=OPTIONAL,
)


def read(entry: dict[str, Any], stored: MonitorConfig | None = None) -> MonitorConfig | None:
    try:
        return read_monitor(monitor_body(entry, NAMES, stored=stored), stored=stored, surroundings=SURROUNDINGS)
    except FarwatchError:
        return None


def exported(config: MonitorConfig) -> dict[str, Any]:
    """The entry of a file, through YAML and back."""
    entry = {"key": config.key, **short_monitor(whole_monitor(config, NAMES), NAMES)}
    text = to_yaml({"version": 1, "monitors": [entry]}, schema_url="s")
    (back,) = read_yaml(text).value["monitors"]
    assert back == entry
    return entry


@given(ENTRIES)
def test_an_exported_monitor_plans_as_no_change(entry: dict[str, Any]) -> None:
    config = read(entry)
    if config is not None:
        assert read(exported(config), stored=config) == config, "its secrets, too, which the export does not have"


@given(ENTRIES)
def test_an_exported_monitor_makes_the_same_elsewhere(entry: dict[str, Any]) -> None:
    config = read(entry)
    if config is None or secrets_of(config.check):
        return
    again = read(exported(config))
    assert again is not None
    assert exported(again) == exported(config)


@given(ENTRIES, ENTRIES)
def test_applying_makes_the_stored_monitor_what_the_file_says_whatever_it_was(
    entry: dict[str, Any], before: dict[str, Any]
) -> None:
    wanted, stored = read(entry), read(before)
    if wanted is None or stored is None or secrets_of(stored.check):
        return
    changed = read(entry, stored=stored)
    if changed is not None:  # else its kind would change
        assert whole_monitor(changed, NAMES) == whole_monitor(wanted, NAMES)
        assert read(entry, stored=changed) == changed


INSTANTS = st.integers(1, 100_000).map(lambda minutes: (NOW + timedelta(minutes=minutes)).isoformat())
COMMON = {
    "public": st.booleans(),
    "description": st.sampled_from(["", "x\ny"]),
    "timezone": st.sampled_from(["UTC", "Europe/Berlin"]),
}
TARGETS: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{"all": True}, {"tags": ["db"]}, {"monitors": ["web/1", "api"], "tags": ["x"]}]
)
WINDOWS = st.tuples(
    TARGETS,
    st.fixed_dictionaries({}, optional=COMMON),
    st.one_of(
        INSTANTS.map(lambda at: {"starts_at": at, "ends_at": "2100-01-01T00:00:00Z"}),
        INSTANTS.map(
            lambda at: {"starts_at": at, "ends_at": (datetime.fromisoformat(at) + timedelta(hours=2)).isoformat()}
        ),
        st.just({"cron": "0 2 * * SUN", "duration": 7200}),
        INSTANTS.map(
            lambda at: {"cron": "0 2 * * *", "duration": 60, "starts_at": at, "until": "2100-01-01T00:00:00Z"}
        ),
        INSTANTS.map(lambda at: {"rrule": "FREQ=MONTHLY;BYDAY=1SU", "duration": 3600, "starts_at": at}),
    ),
).map(lambda parts: {"key": "this", "title": "Upkeep", **parts[0], **parts[1], **parts[2]})


@given(WINDOWS)
def test_an_exported_window_plans_as_no_change_and_makes_the_same_elsewhere(entry: dict[str, Any]) -> None:
    try:
        config = read_window(window_body(entry, NAMES, stored=None), stored=None, now=NOW)
    except FarwatchError:
        return
    short = {"key": "this", **short_window(whole_window(config, NAMES), written_at=NOW)}
    planned = read_window(window_body(short, NAMES, stored=config), stored=config, now=NOW)
    assert whole_window(planned, NAMES) == whole_window(config, NAMES)
    again = read_window(window_body(short, NAMES, stored=None), stored=None, now=NOW)
    assert short_window(whole_window(again, NAMES), written_at=NOW) == {n: v for n, v in short.items() if n != "key"}


COMPONENTS = st.lists(
    st.fixed_dictionaries(
        {"monitor": st.sampled_from(sorted(MONITORS))},
        optional={
            "name": st.sampled_from(["Shop", "no", "é: b"]),
            "description": st.sampled_from(["", "one\ntwo\n", " x"]),
            "group": st.none() | st.sampled_from(["Shop", "yes"]),
            "show_uptime": st.booleans(),
            "show_latency": st.booleans(),
        },
    ),
    max_size=3,
    unique_by=lambda one: str(one["monitor"]),
)
PAGES = st.fixed_dictionaries(
    {"key": st.just("this"), "slug": st.sampled_from(["acme", "0x1", "a-b"]), "title": st.sampled_from(["A", "0x1F"])},
    optional={
        "description": st.sampled_from(["", "one\ntwo\n", "1e5"]),
        "state": st.sampled_from(["draft", "published"]),
        "listed": st.booleans(),
        "language": st.sampled_from(["en", "de", "ar"]),
        "branding": st.none() | st.sampled_from([{}, {"accent": "#1d5fd1"}, {"background": "#FFFFFF"}]),
        "header_text": st.sampled_from(["", "- x"]),
        "footer_text": st.none() | st.just("~"),
        "custom_domain": st.none() | st.just("Status.Example.com"),
        "show_uptime": st.booleans(),
        "show_latency": st.booleans(),
        "history_days": st.integers(1, 90) | st.none(),
        "components": COMPONENTS | st.none(),
    },
)


def read_both(entry: dict[str, Any]) -> tuple[PageConfig, list[Placed]]:
    inside = dict.fromkeys(MONITORS.values(), "Inside")
    listed = read_components(entry.get("components"), names=NAMES, monitor_names=inside, stored=())
    return read_page(page_body(entry), stored=None), listed


@given(PAGES, PAGES)
def test_an_exported_page_makes_the_same_elsewhere_and_a_plan_tells_every_difference(
    entry: dict[str, Any], other: dict[str, Any]
) -> None:
    whole = whole_page(*read_both(entry), NAMES)
    short = {"key": "this", **short_page(whole)}
    (back,) = read_yaml(to_yaml({"version": 1, "status_pages": [short]}, schema_url="s")).value["status_pages"]
    assert back == short
    assert whole_page(*read_both(back), NAMES) == whole
    before = whole_page(*read_both(other), NAMES)
    assert (page_changes(before, whole) == []) == (before == whole)
