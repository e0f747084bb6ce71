from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from control_plane.settings import SecuritySettings, ServerSettings, Settings
from control_plane.web.browser import (
    BrowserSession,
    begin_sign_in,
    cookie_name,
    is_foreign,
    new_session,
    read_session,
    signing_in,
    write_session,
)

SETTINGS = Settings(security=SecuritySettings(pepper="a pepper of the installation"))
BEHIND = Settings(security=SETTINGS.security, server=ServerSettings(public_url="https://watch.example"))


def carried(session: BrowserSession, settings: Settings = SETTINGS) -> web.Request:
    """The next request of a browser that was given the session."""
    request = make_mocked_request("GET", "/")
    response = web.Response()
    write_session(request, response, session, settings)
    name = cookie_name(request, settings)
    return with_cookie(response.cookies[name].value, settings)


def with_cookie(value: str, settings: Settings = SETTINGS) -> web.Request:
    name = cookie_name(make_mocked_request("GET", "/"), settings)
    return make_mocked_request("GET", "/", headers={"Cookie": f"{name}={value}"})


def test_a_session_comes_back_as_it_was() -> None:
    session = new_session(SETTINGS)
    assert read_session(carried(session), SETTINGS) == session


def test_a_session_of_another_installation_is_none() -> None:
    other = Settings(security=SecuritySettings(pepper="a pepper of another one"))
    assert read_session(carried(new_session(other), other), SETTINGS) is None


@pytest.mark.parametrize("value", ["", "AAAA", "A" * 64, "A" * 2000, "é" * 64, "*" * 64])
def test_nonsense_is_no_session(value: str) -> None:
    assert read_session(with_cookie(value), SETTINGS) is None


def test_a_token_is_of_one_session() -> None:
    session = new_session(SETTINGS)
    assert session.issued(session.form_token())
    assert not new_session(SETTINGS).issued(session.form_token())
    assert not session.issued("é")


def test_behind_https_a_cookie_without_the_prefix_is_not_looked_at() -> None:
    session = new_session(SETTINGS)
    assert read_session(carried(session), BEHIND) is None
    assert read_session(carried(session, BEHIND), BEHIND) == session


def test_the_mark_of_signing_in_is_no_session() -> None:
    request, response = make_mocked_request("GET", "/"), web.Response()
    digest = begin_sign_in(request, response, SETTINGS, lasts_s=600)
    ((name, morsel),) = response.cookies.items()
    back = make_mocked_request("GET", "/", headers={"Cookie": f"{name}={morsel.value}"})
    assert signing_in(back, SETTINGS) == digest
    assert read_session(back, SETTINGS) is None


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({}, False),
        ({"Sec-Fetch-Site": "same-origin"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": "same-site"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, True),
        ({"Host": "a.example", "Origin": "http://a.example"}, False),
        ({"Host": "a.example", "Origin": "https://watch.example"}, False),
        ({"Host": "a.example", "Origin": "https://evil.example"}, True),
        ({"Host": "a.example", "Origin": "null"}, True),
        ({"Host": "a.example", "Origin": "http://[broken"}, True),
    ],
)
def test_what_another_site_sends_is_told_by_its_origin(headers: dict[str, str], foreign: bool) -> None:
    assert is_foreign(make_mocked_request("POST", "/", headers=headers), BEHIND) is foreign
