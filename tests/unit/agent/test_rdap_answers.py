"""What is read from RDAP servers and from the list of them, and what is not believed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.rdap.answers import BadAnswer, parse_date, read_registration, read_servers, servers_for

NEW_YEAR = 1_798_761_600
"""2027-01-01T00:00:00Z."""


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2027-01-01T00:00:00Z", NEW_YEAR),
        ("2027-01-01t00:00:00z", NEW_YEAR),
        ("2027-01-01 00:00:00Z", NEW_YEAR),
        ("2027-01-01T00:00:00.999Z", NEW_YEAR),
        ("2027-01-01T00:00:00.0000000Z", NEW_YEAR),
        ("2027-01-01T00:00:00,5Z", NEW_YEAR),
        ("2027-01-01T02:00:00+02:00", NEW_YEAR),
        ("2027-01-01T02:00:00+0200", NEW_YEAR),
        ("2026-12-31T18:30:00-05:30", NEW_YEAR),
        ("2027-01-01T00:00:00-00:00", NEW_YEAR),
        ("2027-01-01T00:00:00", NEW_YEAR),
        ("2027-01-01T00:00:00 Z", NEW_YEAR),
        ("2027-01-01", NEW_YEAR),
        (" 2027-01-01T00:00:00Z\n", NEW_YEAR),
        ("2026-12-31T23:59:60Z", NEW_YEAR),
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59Z", -1),
        ("2028-02-29T00:00:00Z", 1_835_395_200),
        ("9999-12-31T23:59:59-23:59", 253_402_387_139),
        ("0001-01-01T00:00:00+23:59", -62_135_683_140),
    ],
)
def test_dates_are_read_in_the_forms_that_registries_use(text: str, seconds: int) -> None:
    assert parse_date(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "None",
        "never",
        "01.01.2027",
        "2027-13-01T00:00:00Z",
        "2027-02-29T00:00:00Z",
        "2027-01-01T24:00:00Z",
        "2027-01-01T00:00:61Z",
        "2027-01-01T00:00:00+24:00",
        "2027-01-01T00:00:00Z and then some",
        "0000-00-00T00:00:00Z",
        "٢٠٢٧-٠١-٠١T00:00:00Z",
        "20270101T000000Z",
        "2027-01-01T00:00:00." + "1" * 1000 + "Z",
    ],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_date(text)


# -- the list of servers


def listing(*services: Any) -> bytes:
    return json.dumps({"version": "1.0", "services": list(services)}).encode()


def test_the_longest_suffix_of_whole_labels_decides() -> None:
    servers = read_servers(listing([["uk", "com"], ["https://short.example/"]], [["co.uk"], ["https://long.example/"]]))
    assert servers_for("a.co.uk", servers) == ("https://long.example/",)
    assert servers_for("a.b.co.uk", servers) == ("https://long.example/",)
    assert servers_for("a.org.uk", servers) == ("https://short.example/",)
    assert servers_for("aco.uk", servers) == ("https://short.example/",)
    assert servers_for("a.xcom", servers) == ()
    assert servers_for("a.org", servers) == ()


def test_https_comes_first_and_every_base_ends_in_a_slash() -> None:
    servers = read_servers(listing([["com"], ["http://a.example", "https://b.example/rdap", "https://c.example/"]]))
    assert servers["com"] == ("https://b.example/rdap/", "https://c.example/", "http://a.example/")


def test_suffixes_are_compared_without_regard_to_case_and_dots() -> None:
    assert set(read_servers(listing([["COM", ".Net", "org."], ["https://a.example/"]]))) == {"com", "net", "org"}


@pytest.mark.parametrize(
    "odd", [None, 5, "com", [], [["com"]], [["com"], []], ["com", ["https://x/"]], [[5], [5]], [[""], ["https://x/"]]]
)
def test_an_entry_of_another_shape_does_not_take_the_rest_away(odd: Any) -> None:
    assert read_servers(listing(odd, [["net"], ["https://a.example/"]])) == {"net": ("https://a.example/",)}


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b"{}",
        b'{"services": {}}',
        b'{"services": []}',
        listing(),
        b"[" * 100_000,
        b'{"services":' * 100_000,
        b"\xff\xfe",
    ],
)
def test_a_list_without_servers_is_no_list(document: bytes) -> None:
    with pytest.raises(BadAnswer):
        read_servers(document)


# -- answers about a domain


def answer(**fields: Any) -> bytes:
    return json.dumps({"objectClassName": "domain", "ldhName": "example.com", **fields}).encode()


def expiration(*dates: Any, action: Any = "expiration") -> list[dict[str, Any]]:
    return [{"eventAction": action, "eventDate": date} for date in dates]


def read(**fields: Any) -> Any:
    return read_registration(answer(**fields), domain="example.com")


def test_of_several_expirations_the_latest_counts() -> None:
    events = expiration("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "2025-01-01T00:00:00Z", "whenever", None)
    assert read(events=events).expires_at == NEW_YEAR


def test_other_events_do_not_count() -> None:
    events = expiration("2020-01-01T00:00:00Z", action="registrar expiration") + expiration("2021-01-01", action=None)
    assert read(events=events).expires_at is None


@pytest.mark.parametrize("events", [None, {}, "soon", [], [None, 5, "x", []], [{}]])
def test_without_a_usable_event_there_is_no_expiration(events: Any) -> None:
    assert read(events=events).expires_at is None


def test_an_expiration_that_cannot_be_read_is_a_bad_answer_and_is_quoted_safely() -> None:
    with pytest.raises(BadAnswer, match="cannot be read: to\ufffdmorrow"):
        read(events=expiration("to\x1bmorrow"))
    with pytest.raises(BadAnswer) as caught:
        read(events=expiration("x" * 10_000))
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("name", ["example.com", "EXAMPLE.COM", "Example.com."])
def test_the_name_is_compared_without_regard_to_case_and_a_last_dot(name: str) -> None:
    assert read(ldhName=name).expires_at is None


@pytest.mark.parametrize(
    "name", ["example.org", "www.example.com", "com", "", None, 5, ["example.com"], "a b", "1.2.3.4"]
)
def test_an_answer_about_something_else_is_a_bad_answer(name: Any) -> None:
    with pytest.raises(BadAnswer):
        read(ldhName=name)


def test_an_internationalised_name_may_come_as_unicode_alone() -> None:
    body = json.dumps({"unicodeName": "bücher.example", "events": expiration("2027-01-01")}).encode()
    assert read_registration(body, domain="xn--bcher-kva.example").expires_at == NEW_YEAR


@pytest.mark.parametrize("body", [b"", b"no", b"[]", b"5", b"{", b"[" * 200_000, b'{"ldhName":"\\ud800"}', b"\xff"])
def test_what_is_no_json_object_is_a_bad_answer(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        read_registration(body, domain="example.com")


def card(name: Any) -> list[Any]:
    return ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", name]]]


@pytest.mark.parametrize(
    ("entity", "name"),
    [
        ({"roles": ["registrar"], "vcardArray": card("Good Names")}, "Good Names"),
        ({"roles": ["abuse", "Registrar"], "vcardArray": card(" Good\nNames ")}, "Good\ufffdNames"),
        (
            {"roles": ["registrar"], "publicIds": [{"type": "IANA Registrar ID", "identifier": "292"}], "handle": "h"},
            "IANA Registrar ID 292",
        ),
        ({"roles": ["registrar"], "vcardArray": card(""), "handle": "R-7"}, "R-7"),
        ({"roles": ["registrar"], "vcardArray": card(["a", "b"]), "handle": "R-7"}, "R-7"),
        ({"roles": ["registrar"], "vcardArray": ["vcard", "fn"], "handle": 7}, None),
        ({"roles": ["registrar"], "vcardArray": {"fn": 1}}, None),
        ({"roles": ["registrant"], "vcardArray": card("A person")}, None),
        ({"roles": "registrar"}, None),
        ("registrar", None),
    ],
)
def test_the_registrar_is_named_by_card_identifier_or_handle(entity: Any, name: str | None) -> None:
    assert read(entities=[entity]).registrar == name


def test_what_is_kept_is_bounded() -> None:
    seen = read(
        status=[5, None, *["s" * 10_000] * 100],
        entities=[{"roles": ["registrar"], "vcardArray": card("n" * 10_000)}],
    )
    assert len(seen.status) == 32
    assert {len(text) for text in seen.status} == {200}
    assert len(seen.registrar) == 500


def test_of_an_endless_history_only_the_beginning_is_read() -> None:
    assert read(events=[{}] * 1000 + expiration("2027-01-01")).expires_at is None
    assert read(events=[{}] * 999 + expiration("2027-01-01")).expires_at == NEW_YEAR
