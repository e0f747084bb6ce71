"""Labels of alerts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.domain.channels.alertmanager_rules import check_root, label_name, tag_labels
from control_plane.errors import BadRequest
from shared.netpolicy import parse_http_url


@given(st.text(max_size=40))
def test_whatever_a_tag_is_its_label_is_one_of_prometheus(text: str) -> None:
    name = label_name(text)
    assert re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name)
    assert name.startswith("tag_")


def test_a_tag_is_a_label_and_a_pair_has_its_value() -> None:
    assert tag_labels(("prod", "env:eu west", "Team=Web", "a-b", "a.b:c")) == {
        "tag_prod": "true",
        "tag_env": "eu west",
        "tag_team": "Web",
        "tag_a_b": "true",
    }


@pytest.mark.parametrize("url", ["https://am.example.com/?x=1", "https://am.example.com/api/v2/alerts"])
def test_what_is_no_root_is_refused(url: str) -> None:
    with pytest.raises(BadRequest):
        check_root(parse_http_url(url))


def test_a_route_prefix_is_a_root() -> None:
    check_root(parse_http_url("https://example.com/alertmanager/"))
