from __future__ import annotations

import pytest

from shared.netpolicy import HttpUrl, UrlRefused, parse_http_url, same_origin


def code_of(text: str) -> str:
    with pytest.raises(UrlRefused) as caught:
        parse_http_url(text)
    return caught.value.code


def test_a_url_is_taken_apart_and_made_canonical() -> None:
    assert parse_http_url("HTTPS://Example.COM.:8443/a/./b/../c?x=1#frag") == HttpUrl(
        scheme="https",
        host="example.com",
        is_literal=False,
        port=8443,
        path_and_query="/a/c?x=1",
        host_header="example.com:8443",
        origin="https://example.com:8443",
    )


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("http://example.com", "http://example.com/"),
        ("http://example.com:80/", "http://example.com/"),
        ("https://example.com:80", "https://example.com:80/"),
        ("http://example.com?q", "http://example.com/?q"),
        ("http://example.com/?", "http://example.com/?"),
        ("http://example.com//a//", "http://example.com//a//"),
        ("http://example.com/../../x", "http://example.com/x"),
        ("http://example.com/a/..", "http://example.com/"),
        ("http://example.com/größe?ü=ö", "http://example.com/gr%C3%B6%C3%9Fe?%C3%BC=%C3%B6"),
        ("http://example.com/100%", "http://example.com/100%25"),
        ("http://example.com/%e2%82%ac", "http://example.com/%e2%82%ac"),
        ('http://example.com/a"<b>{c}', "http://example.com/a%22%3Cb%3E%7Bc%7D"),
        ("http://example.com/?a[]=1|2", "http://example.com/?a[]=1|2"),
        ("http://[2001:DB8:0:0::1]:8080/", "http://[2001:db8::1]:8080/"),
        ("http://192.0.2.1/", "http://192.0.2.1/"),
        ("https://bücher.de/", "https://xn--bcher-kva.de/"),
        ("https://straße.de/", "https://xn--strae-oqa.de/"),
        ("https://ドメイン・テスト.jp/", "https://xn--eckzbwbjb8l5esc.jp/"),
        ("https://paral·lel.cat/", "https://xn--parallel-koa.cat/"),
        ("http://my_service.example.com/", "http://my_service.example.com/"),
        ("http://localhost:3000/x", "http://localhost:3000/x"),
    ],
)
def test_a_url_renders_in_one_way(text: str, rendered: str) -> None:
    assert str(parse_http_url(text)) == rendered


@pytest.mark.parametrize(
    "text",
    [
        "http://0x7f000001/",
        "http://0X7F.0.0.1/",
        "http://017700000001/",
        "http://127.0.0.1./",
        "http://127.0.0.01/",
        "http://127.0.0.256/",
        "http://1.2.3/",
        "http://example.0x/",
        "http://example.com.1/",
        "http://٠.٠.٠.٠/",
        "http://127.0.0.۱/",
        "http://𝟏27.0.0.1/",
        "http://ⓛocalhost/",
        "http://loc\u00adalhost/",
        "http://local\u200dhost/",
        "http://exa\ufeffmple.com/",
        "http://İstanbul.com/",
        "http://BÜCHER.de/",
        "http://bu\u0308cher.de/",
        "http://\u0301a.com/",
        "http://a\u3002com/",
        "http://xn--.com/",
        "http://xn--abc.com/",
        "http://xn--bcher-KVA-.com/",
        "http://xn--example.com/",
        "http://xn--127-.com/",
        "http://example..com/",
        "http://.example.com/",
        "http://example.com../",
        "http://example-.com/",
        f"http://{'a' * 64}.com/",
        "http://a:b:c/",
        "http://::1/",
        "http://[::1]x/",
        "http://x[::1]/",
        "http://[127.0.0.1]/",
        "http://[::1%lo]/",
        "http://[::ffff:127.0.0.01]/",
        "http://[]/",
        "http://[::1]]/",
        "http://example.com:0/",
        "http://example.com:00080/",
        "http://example.com:+80/",
        "http://example.com:-1/",
        "http://example.com:٨٠/",
        "http://example.com:8 0/",
        "http://@example.com/",
        "http://:@example.com/",
        "http:/example.com/",
        "http:example.com",
        "http:",
        "//example.com/",
        "://example.com/",
        "example.com/x",
        "example.com:443",
        "https//example.com",
        "",
        " ",
        "http://example.com/\x00",
        "http://example.com/\x7f",
        "http://example.com/\x85",
        "http://example.com/a b",
        "http://example.com/\\..",
        "http://example.com/\ud800",
        "\ufeffhttp://example.com/",
        "http://example.com/" + "ü" * 1000,
    ],
)
def test_text_that_two_readers_could_see_differently_is_no_url(text: str) -> None:
    assert code_of(text) == "INVALID_URL_FORMAT"


@pytest.mark.parametrize(
    "text",
    ["ftp://example.com/", "gopher://x/", "FILE:///etc", "mailto:a@b.c", "blob:http://x/", "wss://x/", "javascript:0"],
)
def test_only_http_and_https_are_schemes(text: str) -> None:
    assert code_of(text) == "INVALID_URL_SCHEME"


def test_a_url_may_have_2048_characters_and_not_one_more() -> None:
    longest = "https://example.com/".ljust(2048, "a")
    assert str(parse_http_url(longest)) == longest
    assert code_of(longest + "a") == "INVALID_URL_FORMAT"


def test_a_refusal_never_repeats_the_url() -> None:
    with pytest.raises(UrlRefused) as caught:
        parse_http_url("https://user:hunter2@example.com/")
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.com/x", "https://A.com:443/y", True),
        ("https://a.com/", "http://a.com/", False),
        ("https://a.com/", "https://a.com:8443/", False),
        ("https://a.com/", "https://www.a.com/", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(one: str, other: str, same: bool) -> None:
    assert same_origin(parse_http_url(one), parse_http_url(other)) is same
