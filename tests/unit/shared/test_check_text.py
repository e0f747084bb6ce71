from __future__ import annotations

import msgspec
import pytest

from shared.checks import CHECKS, CheckTextRefused, expand
from shared.checks.http import HttpCheck


@pytest.mark.parametrize("text", ["https://a.example.com/health", "HTTP://A.example.com", "http:oops"])
def test_a_web_address_stands_for_an_http_check_with_every_default(text: str) -> None:
    assert expand(text) == HttpCheck(url=text)


@pytest.mark.parametrize("text", ["tcp://a:1", "dns://a?type=MX", "PING://a", "tls://a:443", "domain://a", "ssh://a"])
def test_a_scheme_of_no_known_kind_is_refused_as_a_scheme(text: str) -> None:
    with pytest.raises(CheckTextRefused) as caught:
        expand(text)
    assert caught.value.code == "INVALID_URL_SCHEME"


@pytest.mark.parametrize("text", ["", "a.example.com", "https", "//a.example.com", ":x", "a b://c"])
def test_text_without_a_scheme_is_refused_as_a_url(text: str) -> None:
    with pytest.raises(CheckTextRefused) as caught:
        expand(text)
    assert caught.value.code == "INVALID_URL_FORMAT"


def test_the_table_names_each_kind_by_its_tag() -> None:
    assert {kind: spec.__struct_config__.tag for kind, spec in CHECKS.items()} == {kind: kind for kind in CHECKS}
    assert msgspec.json.decode(b'{"type":"http","url":"x"}', type=HttpCheck) == HttpCheck(url="x")
