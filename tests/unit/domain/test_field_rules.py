from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.domain import field_rules
from control_plane.domain.judging.verdict import Policy
from control_plane.errors import BadRequest, FarwatchError, Refused


def code_of(read: Callable[[object], object], value: object) -> str:
    with pytest.raises(FarwatchError) as caught:
        read(value)
    assert caught.value.field is not None
    return caught.value.code


@pytest.mark.parametrize(
    ("given_name", "read"),
    [
        ("API", "API"),
        ("  a b  ", "a b"),
        ("a" * 100, "a" * 100),
        ("日本", "日本"),
        ("🔥", "🔥"),
        ("<b>", "<b>"),
        ("é", "é"),
    ],
)
def test_a_name_is_a_trimmed_line(given_name: str, read: str) -> None:
    assert field_rules.name(given_name) == read


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "a" * 101,
        "a\tb",
        "a\x7f",
        "a\x85b",
        "a\u2028b",
        "\u200b\u200d",
        "\u2066a",
        "\u200fa",
        "\ufe0f",
        "\u00ad",
    ],
)
def test_a_name_that_is_no_visible_line_is_refused(value: str) -> None:
    assert code_of(field_rules.name, value) == "NAME_INVALID"


@pytest.mark.parametrize("value", ["a\0", "\ud800", "\udfffx"])
def test_text_that_the_database_cannot_store_is_refused(value: str) -> None:
    assert code_of(field_rules.name, value) == "INVALID_STRING"
    assert code_of(field_rules.notes, value) == "INVALID_STRING"


def test_tags_keep_their_order_and_are_named_once() -> None:
    assert field_rules.tags(["prod", "team:a/b", "prod", "größe", "two words"]) == (
        "prod",
        "team:a/b",
        "größe",
        "two words",
    )
    assert field_rules.tags([]) == ()
    assert len(field_rules.tags([f"t{n}" for n in range(50)] * 2)) == 50


@pytest.mark.parametrize(
    "value",
    [
        [""],
        [" a"],
        ["a "],
        ["a,b"],
        ["a\0b"[:1] + ";"],
        ["-a"],
        ["a\u202eb"],
        ["a" * 65],
        [f"t{n}" for n in range(51)],
        ["a"] * 201,
    ],
)
def test_tags_outside_the_grammar_are_refused(value: list[str]) -> None:
    assert code_of(field_rules.tags, value) == "INVALID_TAGS"


@pytest.mark.parametrize("value", [None, "a,b", {"a": 1}, [None], [["a"]], [True]])
def test_tags_are_a_list_of_strings(value: object) -> None:
    assert code_of(field_rules.tags, value) == "INVALID_TYPE"


@pytest.mark.parametrize("value", ["ab", "eu-west-1", "a1", "0x"])
def test_a_slug_is_lower_case_letters_digits_and_inner_hyphens(value: str) -> None:
    assert field_rules.slug(value) == value


@pytest.mark.parametrize("value", ["a", "A-b", "-ab", "ab-", "a_b", "a b", "ü1", "a" * 41, "ab\n"])
def test_another_slug_is_refused(value: str) -> None:
    assert code_of(field_rules.slug, value) == "SLUG_INVALID"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (0, "INVALID_INTERVAL"), (-60, "INVALID_INTERVAL"), (2_592_001, "INVALID_INTERVAL"), (60.0, "INVALID_INTERVAL"),
        (10**400, "INVALID_INTERVAL"), (True, "INVALID_TYPE"), ("60", "INVALID_TYPE"), (None, "INVALID_TYPE"),
    ],
)  # fmt: skip
def test_an_interval_is_a_whole_number_of_seconds(value: object, code: str) -> None:
    assert code_of(field_rules.interval, value) == code


def test_an_interval_under_its_floor_is_a_policy_refusal() -> None:
    assert field_rules.interval_floor(10, floor_s=10) == 10
    with pytest.raises(Refused) as caught:
        field_rules.interval_floor(9, floor_s=10)
    assert (caught.value.code, caught.value.details) == ("MIN_CHECK_INTERVAL", {"minimum": 10, "interval": 9})


@pytest.mark.parametrize("value", [0, 60, 3600])
def test_reminders_are_off_or_a_minute_apart(value: int) -> None:
    assert field_rules.renotify_interval(value) == value


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (field_rules.renotify_interval, 1), (field_rules.renotify_interval, -1), (field_rules.confirmations, 11),
        (field_rules.max_repeats, -1), (field_rules.max_repeats, 101), (field_rules.alert_on, "up"),
    ],
)  # fmt: skip
def test_alert_settings_out_of_bounds_are_refused(read: Callable[[object], object], value: object) -> None:
    assert code_of(read, value) == "INVALID_ALERT_CONFIG"


@pytest.mark.parametrize(
    ("value", "policy"),
    [
        ("any", Policy("any")),
        ("majority", Policy("majority")),
        ("all", Policy("all")),
        ({"count": 3}, Policy("count", 3)),
    ],
)
def test_the_four_policies_are_read(value: object, policy: Policy) -> None:
    assert field_rules.region_policy(value, regions=3) == policy


@pytest.mark.parametrize(
    ("value", "status", "code"),
    [
        ("most", 422, "INVALID_REGION_POLICY"), ({"count": 4}, 422, "INVALID_REGION_POLICY"),
        ({"count": -1}, 422, "INVALID_REGION_POLICY"), ({"count": "2"}, 400, "INVALID_TYPE"),
        ({"count": True}, 400, "INVALID_TYPE"), ({"count": 1.0}, 400, "INVALID_TYPE"), ({}, 400, "INVALID_TYPE"),
        (2, 400, "INVALID_TYPE"), (None, 400, "INVALID_TYPE"), ({"Count": 1}, 400, "UNKNOWN_FIELD"),
    ],
)  # fmt: skip
def test_a_policy_that_cannot_hold_is_refused(value: object, status: int, code: str) -> None:
    with pytest.raises(FarwatchError) as caught:
        field_rules.region_policy(value, regions=3)
    assert (caught.value.status, caught.value.code) == (status, code)


def test_findings_raise_the_first_refusal_with_the_others_in_its_details() -> None:
    findings = field_rules.Findings()
    findings.raise_any()
    assert findings.take(field_rules.boolean, True, "/ok") is True
    assert findings.take(field_rules.boolean, 1, "/a") is None
    assert findings.take(partial(field_rules.interval), 0, "/b") is None
    with pytest.raises(BadRequest) as caught:
        findings.raise_any()
    assert caught.value.field == "/a"
    assert caught.value.details is not None
    assert [other["field"] for other in caught.value.details["also"]] == ["/b"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
READERS = [
    field_rules.name, field_rules.tags, field_rules.slug, field_rules.interval, field_rules.confirmations,
    field_rules.renotify_interval, field_rules.max_repeats, field_rules.severity, field_rules.alert_on,
    field_rules.notes,
    partial(field_rules.region_policy, regions=3),
]  # fmt: skip


@given(JSON, st.sampled_from(READERS))
def test_a_reader_returns_or_refuses_with_a_pointer_and_reads_its_own_values_again(
    value: object, read: Callable[[object], object]
) -> None:
    try:
        result = read(value)
    except FarwatchError as error:
        refused = error
        result = None
    if result is None:
        assert refused.field
        assert refused.message
    elif not isinstance(result, Policy):
        assert read(result) == result
