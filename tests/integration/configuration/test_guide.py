"""The example of the guide is valid for editors, applies, and is in step afterwards."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from control_plane.domain.configuration.config_references import expand_references
from control_plane.domain.configuration.config_yaml import read_yaml
from tests.support.configuration import Keeper

GUIDE = Path(__file__).parents[3] / "docs" / "configuration-as-code.md"


def example() -> dict[str, Any]:
    blocks = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    file: dict[str, Any] = next(read_yaml(block).value for block in blocks if "version: 1" in block)
    return file


async def test_the_example_of_the_guide_applies(keeper: Keeper) -> None:
    values = {"OPERATIONS_WEBHOOK_URL": "https://ops.example.com/in", "NTFY_TOKEN": "tk_1", "API_TOKEN": "t0ken"}
    file = expand_references(example(), lambda _source, name, _at: values[name])
    applied = await keeper.apply(file)
    assert applied["summary"]["create"] == 9
    assert list(applied["made"]) == ["Operations"]
    assert applied["made"]["Operations"]["secret"].startswith("whsec_")
    assert (await keeper.plan(file, prune=True))["drift"] is False
    schema = (await keeper.http.get("/schemas/config.v1.json")).json()
    jsonschema.validate(await keeper.export(), schema)


async def test_editors_take_the_example_and_mark_what_is_wrong(keeper: Keeper) -> None:
    reply = await keeper.http.get("/schemas/config.v1.json", headers={"Authorization": ""})
    schema = reply.json()
    assert reply.headers["Content-Type"].startswith("application/schema+json")
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(example(), schema)
    for wrong in (
        {"version": 2},
        {"version": 1, "monitor": []},
        {"version": 1, "monitors": [{"name": "x", "check": "https://a.example.com"}]},
        {"version": 1, "monitors": [{"key": "x", "name": "x", "check": {"type": "http", "url": "x", "tmeout": 1}}]},
        {"version": 1, "channels": [{"name": "x", "config": {"type": "fax"}}]},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(json.loads(json.dumps(wrong)), schema)
