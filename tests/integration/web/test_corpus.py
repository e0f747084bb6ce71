"""The rows of the corpus that are about requests as such, against the route that takes the richest body."""

from __future__ import annotations

import json
from typing import Any

import pytest

from control_plane.services.tenants.first_run import RegionDefinition
from control_plane.store.pool import Database
from tests.support.hostile import CORPORA
from tests.support.serving import control_plane

PLAIN = {"name": "API", "check": "https://a.example/health"}
HOME = (RegionDefinition(slug="home", name="Home", allow_cidrs=("127.0.0.0/8",)),)


def rows() -> list[Any]:
    lines = (CORPORA / "requests.jsonl").read_text(encoding="utf-8").splitlines()
    return [pytest.param(row, id=row["id"]) for row in map(json.loads, lines)]


def request_of(row: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    headers = {"Content-Type": "application/json"}
    if row["kind"] == "json-body":
        raw = row["raw_utf8"].encode() if "raw_utf8" in row else bytes.fromhex(row["raw_hex"])
        return raw, headers
    if row["kind"] == "mass-assignment":
        return json.dumps(PLAIN | {row["field"]: row["value"]}).encode(), headers
    return json.dumps(PLAIN).encode(), headers | {row["field"]: row["value"]}


@pytest.mark.parametrize("row", rows())
async def test_a_hostile_request_is_refused_as_the_corpus_says_and_makes_nothing(
    database: Database, row: dict[str, Any]
) -> None:
    content, headers = request_of(row)
    async with control_plane(database, regions=HOME) as served, served.tenant() as client:
        response = await client.post("/api/v1/monitors", content=content, headers=headers)
        assert response.status_code == row["expect"]["http"], response.text
        made = (await client.get("/api/v1/monitors")).json()["total"]
    if row["expect"]["http"] < 400:
        assert made == 1
    else:
        assert response.json()["error"]["code"] == row["expect"]["code"]
        assert made == 0
