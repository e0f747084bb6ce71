"""A tenant's monitors as text for Prometheus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from control_plane.domain.fleet.exposition import (
    MONITOR_FAMILIES,
    PROBE_FAMILIES,
    Facts,
    Probe,
    Watched,
    expose,
    labels_of,
    read_facts,
)

LABELS = labels_of(monitor="API", number=7, kind="http", group="web")


def a_monitor(**more: Any) -> Watched:
    plain: dict[str, Any] = {
        "id": "m1",
        "tags": ["prod", "eu"],
        "labels": LABELS,
        "verdict": "up",
        "since_s": 12.5,
        "enabled": True,
        "in_maintenance": False,
        "incident_open": False,
    }
    return Watched(**{**plain, **more})


def a_probe(**more: Any) -> Probe:
    plain: dict[str, Any] = {
        "kind": "http",
        "labels": f'{LABELS},region="eu"',
        "slot": 1_700_000_000_500,
        "outcome": 0,
        "reason": 0,
        "http_status": 200,
        "dns_us": 1_200,
        "connect_us": 8_400,
        "tls_us": 21_000,
        "ttfb_us": 48_500,
        "download_us": 2_100,
        "total_us": 81_200,
        "facts": Facts(),
    }
    return Probe(**{**plain, **more})


def text_of(monitors: Sequence[Watched] = (), probes: Sequence[Probe] = (), *, openmetrics: bool = False) -> str:
    return b"".join(expose(monitors, probes, openmetrics=openmetrics)).decode()


def _openmetrics(text: str) -> list[Metric]:
    return list(read_openmetrics(text))  # type: ignore[no-untyped-call]


def samples(text: str) -> dict[tuple[str, ...], float]:
    """The value of each sample by its name and the values of the labels that are not the monitor's or the region's."""
    known = ("monitor", "number", "kind", "group", "region")
    return {
        (sample.name, *(value for name, value in sample.labels.items() if name not in known)): sample.value
        for family in read_text(text)
        for sample in family.samples
    }


def test_phases_are_told_in_seconds_under_blackbox_exporters_names() -> None:
    seen = samples(text_of(probes=[a_probe()]))
    phases = {key[1]: value for key, value in seen.items() if key[0] == "probe_http_duration_seconds"}
    expected = {"resolve": 0.0012, "connect": 0.0084, "tls": 0.021, "processing": 0.0485, "transfer": 0.0021}
    assert phases == expected
    assert seen["probe_duration_seconds",] == 0.0812
    assert seen["probe_http_status_code",] == 200
    assert seen["farwatch_probe_timestamp_seconds",] == 1_700_000_000.5


@pytest.mark.parametrize(("outcome", "success"), [(0, 1), (1, 1), (2, 0)])
def test_degraded_is_a_success_and_down_is_none(outcome: int, success: int) -> None:
    assert samples(text_of(probes=[a_probe(outcome=outcome)]))["probe_success",] == success


def test_only_the_phases_of_its_kind_are_told_of_a_probe() -> None:
    seen = {key[0] for key in samples(text_of(probes=[a_probe(kind="ping")]))}
    assert "probe_icmp_duration_seconds" in seen
    assert not {name for name in seen if name.startswith(("probe_http", "probe_dns_duration", "probe_failed"))}


def test_what_a_check_did_not_see_is_not_told() -> None:
    seen = {key[0] for key in samples(text_of(probes=[a_probe(facts=Facts())]))}
    assert not seen & {"probe_ssl_earliest_cert_expiry", "probe_tls_version_info", "probe_ip_protocol"}


def test_the_certificate_the_address_and_the_versions_are_told() -> None:
    facts = Facts(address="2001:db8::1", http_version="HTTP/1.1", tls_version="TLSv1.3", cert_expires_at=1_900_000_000)
    seen = samples(text_of(probes=[a_probe(facts=facts)]))
    assert seen["probe_ssl_earliest_cert_expiry",] == 1_900_000_000
    assert (seen["probe_ip_protocol",], seen["probe_http_version",], seen["probe_http_ssl",]) == (6, 1.1, 1)
    assert seen["probe_tls_version_info", "TLS 1.3"] == 1


def test_a_verdict_is_one_series_of_four() -> None:
    seen = samples(text_of([a_monitor(verdict="down", incident_open=True)]))
    verdicts = {key[1]: value for key, value in seen.items() if key[0] == "farwatch_monitor_verdict"}
    assert verdicts == {"up": 0, "degraded": 0, "down": 1, "unknown": 0}
    assert seen["farwatch_monitor_incident_open",] == 1
    assert seen["farwatch_monitor_info", "m1", ",prod,eu,"] == 1


NAMES = ['a "quoted" name', "a\\b", "two\nlines", 'x"} 1\nfake_metric{y="', "Überwachung ✓", "\r"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("openmetrics", [True, False])
def test_no_name_breaks_out_of_its_label(name: str, openmetrics: bool) -> None:
    labels = labels_of(monitor=name, number=1, kind="http", group=name)
    text = text_of([a_monitor(labels=labels)], openmetrics=openmetrics)
    families = list((_openmetrics if openmetrics else read_text)(text))
    assert {family.name for family in families} == {family.name for family in MONITOR_FAMILIES}
    read = [sample.labels for family in families for sample in family.samples]
    assert {(labels["monitor"], labels["group"]) for labels in read} == {(name, name)}


def test_every_name_is_one_group_however_many_monitors_there_are() -> None:
    monitors = [a_monitor(labels=labels_of(monitor="x", number=n, kind="http", group=None)) for n in range(1200)]
    text = text_of(monitors, openmetrics=True)
    assert len(_openmetrics(text)) == len(MONITOR_FAMILIES)
    assert text.count("# TYPE farwatch_monitor_verdict gauge") == 1
    assert text.endswith("# EOF\n")
    assert text.count("# EOF") == 1


def test_nothing_to_tell_is_an_empty_text() -> None:
    assert text_of() == ""
    assert text_of(openmetrics=True) == "# EOF\n"


@pytest.mark.parametrize("detail", ["not json", '{"cert_expires_at": "soon"}', "[]", '{"answers": 3}'])
def test_a_detail_that_cannot_be_read_has_no_facts(detail: str) -> None:
    assert read_facts(detail) == Facts()
    assert read_facts('{"evidence": {"x": 1}, "address": "10.0.0.1"}') == Facts(address="10.0.0.1")


def test_names_are_told_once() -> None:
    names = [*(family.name for family in PROBE_FAMILIES), *(family.name for family in MONITOR_FAMILIES)]
    assert len(names) == len(set(names))
