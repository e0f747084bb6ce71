"""YAML of configuration files: scalars of YAML 1.2, names once, everything bounded, lines of everything."""

from __future__ import annotations

import pytest

from control_plane.domain.configuration.config_yaml import MAX_DEPTH, line_of, read_yaml
from control_plane.errors import BadRequest


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("~", None),
        ("", None),
        ("012", 12),
        ("0x10", 16),
        ("0o17", 15),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2026-05-12", "2026-05-12"),
        ("1e3", 1000.0),
        ("'5'", "5"),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_a_plain_scalar_means_what_yaml_1_2_says(text: str, value: object) -> None:
    assert read_yaml(f"a: {text}").value == {"a": value}


def test_aliases_and_merges_are_written_out() -> None:
    text = "base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}\nlist: {<<: [*b, {z: 4}]}\n"
    value = read_yaml(text).value
    assert value["use"] == {"x": 1, "y": 3}
    assert value["list"] == {"x": 1, "y": 2, "z": 4}


BOMB = "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 10)}]\n" for before, name in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\na: 2", 2),
        ("a: !!str 5", 1),
        ("a: !python/object:x 5", 1),
        ("a: 1\n---\nb: 2", 2),
        ("a: &x [*x]", 1),
        ("a: *x", 1),
        ("a:\n  b: .inf", 2),
        ("a: 9223372036854775808", 1),
        ("a: 1e999", 1),
        (f"a: {'9' * 100}", 1),
        ('a: "\\0"', 1),
        ("? [a]\n: b", 1),
        ("<<: 5", 1),
        (f"a: {'[' * MAX_DEPTH}{']' * MAX_DEPTH}", 1),
        ("a: [", 2),
        ("", 1),
        (BOMB, 7),
    ],
    ids=lambda one: repr(one)[:24],
)
def test_what_is_refused_names_its_line(text: str, line: int) -> None:
    with pytest.raises(BadRequest) as refused:
        read_yaml(text)
    assert (refused.value.code, refused.value.details) == ("INVALID_YAML", {"line": line})


def test_a_pointer_leads_to_its_line_or_to_what_is_around_it() -> None:
    lines = read_yaml("version: 1\nmonitors:\n- key: a\n  check:\n    url: x\n    a/b: 1\n").lines
    assert line_of(lines, "/monitors/0/check/url") == 5
    assert line_of(lines, "/monitors/0/check/a~1b") == 6
    assert line_of(lines, "/monitors/0/check/port") == 5
    assert line_of(lines, "/monitors/0/name") == 3
