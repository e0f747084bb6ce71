"""Every body of the OpenAPI document has an example, and every example is what its schema says."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest

from control_plane.app import all_routes, openapi_document
from control_plane.openapi.examples import examples

DOCUMENT = json.loads(openapi_document())
BODIES = [
    pytest.param(place, media, id=f"{operation['operationId']}-{name}")
    for path in DOCUMENT["paths"].values()
    for operation in path.values()
    for name, place in (
        ("request", operation.get("requestBody", {})),
        *((status, reply) for status, reply in operation["responses"].items() if status.startswith("20")),
    )
    for kind, media in place.get("content", {}).items()
    if kind == "application/json" and not (name == "202" and operation["operationId"] in examples())
]
SECRET = re.compile(r"fw_(live|probe|manage)_(?!3kQ9)[0-9A-Za-z]{8}|whsec_(?!3kQ9)[0-9A-Za-z+/]{20}")


def test_there_are_bodies() -> None:
    assert len(BODIES) > 180


@pytest.mark.parametrize(("place", "media"), BODIES)
def test_a_body_has_an_example_of_its_schema(place: dict[str, Any], media: dict[str, Any]) -> None:
    assert "example" in media, "python -m tests.support.write_examples OPERATION"
    schema = {**media["schema"], "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(schema).validate(media["example"])


def test_no_example_is_of_an_operation_that_is_gone() -> None:
    assert examples().keys() <= {route.operation for route in all_routes()}


def test_the_examples_hold_no_key_that_opens_anything() -> None:
    assert SECRET.findall(json.dumps(DOCUMENT)) == []


def test_the_document_stays_small_enough_to_read_over_a_phone() -> None:
    assert len(openapi_document()) < 1_200_000
