"""Configuration files as they are written: any text reads back, and no spreadsheet runs any."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from control_plane.domain.configuration.config_names import slug_of, suggested_keys
from control_plane.domain.configuration.config_references import expand_references, first_reference
from control_plane.domain.configuration.config_write import safe_cell, to_yaml
from control_plane.domain.configuration.config_yaml import read_yaml
from control_plane.services.installation.identity import new_id

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"])) | st.text("0123456789xXeE.+-_:~nulo \n\t#'\"ye<")
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    SCALARS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab:#- '\"no1", min_size=1), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.text("ab:#- '\"no1", min_size=1, max_size=6), VALUES))
def test_what_is_written_reads_back(entry: dict[str, object]) -> None:
    document = {"version": 1, "monitors": [entry]}
    assert read_yaml(to_yaml(document, schema_url="https://a.example.com/s.json")).value == document


@given(st.sampled_from("=+-@\t\r\n"), TEXT)
def test_no_cell_is_a_formula(first: str, rest: str) -> None:
    assert safe_cell(first + rest).startswith("'")
    assert safe_cell([first + rest]).startswith("'")


def test_numbers_stay_numbers() -> None:
    assert [safe_cell(one) for one in (-5, 1.5, True, None)] == ["-5", "1.5", "true", ""]


def test_suggested_keys_are_plain_and_each_is_somebodys_own() -> None:
    ids = [new_id() for _ in range(4)]
    names = ["API & Co.", "api co", "★", "Größe"]
    found = suggested_keys(zip(ids, names, strict=True), taken={"api-co"}, word="monitor")
    assert list(found.values()) == ["api-co-2", "api-co-3", "monitor", "groe"]
    assert len(slug_of("a" * 500)) == 80


def test_a_header_may_be_called_env() -> None:
    document = {"check": {"headers": {"env": "prod"}, "bearer_token": {"env": "TOKEN"}}}
    assert first_reference(document) == "/check/bearer_token"
    expanded = expand_references(document, lambda source, name, at: f"{source} {name} {at}")
    assert expanded == {"check": {"headers": {"env": "prod"}, "bearer_token": "env TOKEN /check/bearer_token"}}
