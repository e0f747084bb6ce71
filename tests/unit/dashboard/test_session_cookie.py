from __future__ import annotations

from datetime import UTC, datetime, timedelta

from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from control_plane.dashboard.session import MAX_AGE_S, Session, cookie_name, new_session, read_session, write_session
from control_plane.sealing import Sealer
from control_plane.settings import ServerSettings, Settings

NOW = datetime(2026, 5, 12, 8, 0, tzinfo=UTC)
SETTINGS = Settings()
SEALER = Sealer({"k1": b"k" * 32})


def carried(session: Session, sealer: Sealer = SEALER, settings: Settings = SETTINGS) -> web.Request:
    """The next request of a browser that was given the session."""
    request = make_mocked_request("GET", "/")
    response = web.Response()
    write_session(request, response, session, sealer, settings)
    name = cookie_name(request, settings)
    return make_mocked_request("GET", "/", headers={"Cookie": f"{name}={response.cookies[name].value}"})


def test_a_session_comes_back_as_it_was() -> None:
    session = new_session(b"d" * 32, now=NOW)
    assert read_session(carried(session), SEALER, SETTINGS, now=NOW) == session


def test_a_session_lasts_thirty_days_and_no_longer() -> None:
    request = carried(new_session(b"d" * 32, now=NOW))
    assert read_session(request, SEALER, SETTINGS, now=NOW + timedelta(seconds=MAX_AGE_S - 1)) is not None
    assert read_session(request, SEALER, SETTINGS, now=NOW + timedelta(seconds=MAX_AGE_S)) is None


def test_a_session_sealed_with_another_key_is_none() -> None:
    request = carried(new_session(b"d" * 32, now=NOW), Sealer({"k1": b"o" * 32}))
    assert read_session(request, SEALER, SETTINGS, now=NOW) is None


def test_nonsense_is_no_session_and_a_token_is_of_one_session() -> None:
    session = new_session(b"d" * 32, now=NOW)
    name = cookie_name(make_mocked_request("GET", "/"), SETTINGS)
    for value in ("", "AAAA", "A" * 2000, "é"):
        request = make_mocked_request("GET", "/", headers={"Cookie": f"{name}={value}"})
        assert read_session(request, SEALER, SETTINGS, now=NOW) is None
    assert session.issued(session.form_token())
    assert not new_session(b"d" * 32, now=NOW).issued(session.form_token())


def test_behind_https_a_cookie_without_the_prefix_is_not_looked_at() -> None:
    behind = Settings(server=ServerSettings(public_url="https://watch.example"))
    session = new_session(b"d" * 32, now=NOW)
    assert read_session(carried(session), SEALER, behind, now=NOW) is None
    assert read_session(carried(session, settings=behind), SEALER, behind, now=NOW) == session
