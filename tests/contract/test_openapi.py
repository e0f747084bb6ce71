"""The published contract: valid, complete, and changed only on purpose (`python -m tests.support.write_openapi`)."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from control_plane.app import all_routes, openapi_document
from control_plane.domain.tenants.credentials import SCOPES
from control_plane.web.routes import Door, Route
from tests.support.write_openapi import readable

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "openapi.json"
ROUTES = all_routes()


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


def test_the_document_is_valid() -> None:
    validate(json.loads(openapi_document()))


def test_the_document_is_the_one_that_was_reviewed() -> None:
    assert readable() == GOLDEN.read_bytes(), (
        "if the change is meant: python -m tests.support.write_openapi, and review the diff"
    )


def test_operations_and_paths_are_unique() -> None:
    assert [name for name, count in Counter(route.operation for route in ROUTES).items() if count > 1] == []
    assert [name for name, count in Counter(map(named, ROUTES)).items() if count > 1] == []


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_a_route_declares_all_that_a_caller_needs(route: Route) -> None:
    assert route.summary
    assert route.tag
    if route.door is Door.TENANT and not (route.open_ or route.any_key):
        assert route.scope in SCOPES
        only_reads = route.method == "GET" or route.operation in ASK_WITH_A_BODY
        assert route.scope.endswith(":read") == only_reads
    assert all(code.replace("_", "").isupper() for code in route.errors)


@pytest.mark.parametrize("route", [route for route in ROUTES if route.body is not None and route.in_openapi], ids=named)
def test_a_route_with_a_body_shows_its_type_and_an_example(route: Route) -> None:
    if route.door is Door.AGENT or any(media.startswith("image/") for media in route.media):
        return  # a picture cannot be shown in JSON
    assert route.example is not None
    assert route.schema is not None or route.body not in (dict, bytes)


def test_a_body_outside_the_agent_door_says_that_other_fields_are_refused() -> None:
    document = json.loads(openapi_document())
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    bodies = [each for each in operations if "requestBody" in each and each["x-door"] != "agent"]
    assert len(bodies) >= 17
    for operation in bodies:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        body = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        assert body["additionalProperties"] is False, operation["operationId"]


ASK_WITH_A_BODY = {"plan_configuration", "preview_routes"}
"""POSTs that write nothing."""

CODE = re.compile(r"[A-Z]{2,}(_[A-Z]+)+")
SHOWN = ("domain", "services", "tenant_api", "operator_api", "agent_api", "public_site", "web")
OF_NO_ROUTE = {
    "CIRCUIT_OPEN",  # a state that reads tell, no refusal
    "MAX_OPEN_RUNS",  # a bound
    "DUPLICATE_URL",  # warnings of a creation
    "NO_LIVE_AGENT",
    "REGION_DISABLED",
    "WINDOW_OVER",  # a warning of a plan
    "ADDRESS_TAKEN",  # of the pages on which people sign in, which are no part of the document
    "EMAIL_NOT_VERIFIED",
    "LINK_OVER",
    "CHANNEL_LINK_OVER",  # of the pages that a link or a vendor leads to
    "CONNECT_REFUSED",
    "CONNECT_STALE",
    "CONNECT_UNAVAILABLE",
    "INVALID_FORM",
    "FOREIGN_FORM",
    "WHATSAPP_SIGNATURE_INVALID",  # of the door that Meta calls
    "NOT_A_MEMBER",
    "PROVIDER_UNAVAILABLE",
    "SIGN_IN_REFUSED",
    "SIGN_IN_STALE",
    "WRONG_EMAIL",
    "JOB_GIVEN_UP",  # in the error of a job
    "JOB_KIND_UNKNOWN",
    "RESULT_TOO_LARGE",
    "SLUG_INVALID",  # of slugs, which nothing has yet
}


def test_a_schema_has_a_name_of_its_own_and_no_path_of_our_modules() -> None:
    names = json.loads(openapi_document())["components"]["schemas"]
    assert [name for name in names if "." in name] == [], "two types of one name: give one of them another"


def test_every_code_of_a_refusal_is_told_by_some_route() -> None:
    document = json.loads(openapi_document())
    told = {code for path in document["paths"].values() for each in path.values() for code in each["x-error-codes"]}
    written = {
        node.value: path.name
        for folder in SHOWN
        for path in (ROOT / "control_plane" / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value)
    }
    assert {code: where for code, where in written.items() if code not in told} == {
        code: written.get(code) for code in OF_NO_ROUTE
    }
