from __future__ import annotations

import json

import pytest
from aiohttp import web

from control_plane import errors
from control_plane.errors import FarwatchError
from control_plane.web.problems import from_http_exception, internal_error, problem_response


def concrete(kind: type[FarwatchError] = FarwatchError) -> list[type[FarwatchError]]:
    return [each for direct in kind.__subclasses__() for each in (direct, *concrete(direct))]


@pytest.mark.parametrize("kind", concrete(), ids=lambda kind: kind.__name__)
def test_every_error_keeps_its_status_and_code_in_both_shapes(kind: type[FarwatchError]) -> None:
    error = kind("what, where, the remedy")
    for accept in ("", "application/problem+json"):
        response = problem_response(error, trace_id="t", accept=accept)
        assert isinstance(response.body, bytes)
        body = json.loads(response.body)
        told = body if accept else body["error"]
        assert response.status == kind.status
        assert (told["code"], told["trace_id"]) == (kind.default_code, "t")


def test_codes_are_upper_snake() -> None:
    assert all(kind.default_code.replace("_", "").isupper() for kind in concrete())


@pytest.mark.parametrize("kind", [errors.TooMany, errors.Unavailable])
def test_who_may_come_back_is_told_when(kind: type[FarwatchError]) -> None:
    assert int(problem_response(kind("later"), trace_id="t").headers["Retry-After"]) >= 1


def test_a_stranger_learns_nothing_of_our_own_fault() -> None:
    error = internal_error()
    assert (error.status, error.code, error.details) == (500, "INTERNAL", None)


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (web.HTTPNotFound(), "NOT_FOUND"),
        (web.HTTPMethodNotAllowed("PUT", ["GET"]), "METHOD_NOT_ALLOWED"),
        (web.HTTPRequestEntityTooLarge(max_size=1, actual_size=2), "BODY_TOO_LARGE"),
        (web.HTTPExpectationFailed(), "BAD_REQUEST"),
        (web.HTTPBadGateway(), "UNAVAILABLE"),
    ],
)
def test_the_servers_own_refusals_become_ours(raised: web.HTTPException, code: str) -> None:
    assert from_http_exception(raised).code == code
