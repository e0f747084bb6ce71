"""POST /import: the same monitors as JSON, YAML and CSV."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.support.tenant_world import World

IMPORT = "/api/v1/import"
YAML = """
monitors:
  - {name: API, check: https://a.example.com/, key: api, tags: [a, b], interval: 120}
  - {name: "=Sum, of all", check: tcp://b.example.com:443, key: sum}
"""
CSV = (
    "\ufeffname;check;key;tags;interval\r\n"
    "API;https://a.example.com/;api;a,b;120\r\n"
    "\r\n"
    '"\'=Sum, of all";tcp://b.example.com:443;sum;;\r\n'
)
JSON = json.dumps(
    {
        "monitors": [
            {"name": "API", "check": "https://a.example.com/", "key": "api", "tags": ["a", "b"], "interval": 120},
            {"name": "=Sum, of all", "check": "tcp://b.example.com:443", "key": "sum"},
        ]
    }
)


async def sent(http: httpx.AsyncClient, kind: str, text: str, **query: str) -> httpx.Response:
    return await http.post(IMPORT, content=text.encode(), headers={"Content-Type": kind}, params=query)


@pytest.mark.parametrize(
    ("kind", "text"), [("application/yaml", YAML), ("text/csv", CSV), ("application/json", JSON)], ids=["y", "c", "j"]
)
async def test_each_form_makes_the_same_monitors(world: World, http: httpx.AsyncClient, kind: str, text: str) -> None:
    reply = await sent(http, kind, text)
    assert (reply.status_code, reply.json()["succeeded"]) == (201, 2), reply.text
    rows = await world.rows("SELECT name, key, tags, interval_s, kind FROM monitors ORDER BY number")
    assert rows == [
        {"name": "API", "key": "api", "tags": ["a", "b"], "interval_s": 120, "kind": "http"},
        {"name": "=Sum, of all", "key": "sum", "tags": [], "interval_s": 60, "kind": "tcp"},
    ]


async def test_quiet_hours_have_a_short_form_in_a_table(world: World, http: httpx.AsyncClient) -> None:
    whole = '{""start"": ""22:00"", ""end"": ""06:00"", ""time_zone"": ""UTC"", ""days"": [""sat""]}'
    text = (
        "name,check,quiet_hours\n"
        "A,https://a.example.com/,22:00-07:00 Europe/Berlin\n"
        f'B,https://b.example.com/,"{whole}"\n'
        "C,https://c.example.com/,\n"
    )
    reply = await sent(http, "text/csv", text)
    assert (reply.status_code, reply.json()["succeeded"]) == (201, 3), reply.text
    found = [row["quiet_hours"] for row in await world.rows("SELECT quiet_hours FROM monitors ORDER BY number")]
    assert (found[0]["start"], found[0]["time_zone"], found[1]["days"], found[2]) == (
        "22:00",
        "Europe/Berlin",
        ["sat"],
        None,
    )
    bad = await sent(http, "text/csv", "name,check,quiet_hours\nA,https://a.example.com/,at night\n")
    assert "/quiet_hours" in bad.text


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "\n".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]" for old, new in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        ("application/yaml", "version: 1\nmonitors: []", (422, "WHOLE_CONFIGURATION")),
        ("application/yaml", "monitors: !!python/object/apply:os.system [id]", (400, "INVALID_YAML")),
        ("application/yaml", "monitors: []\nmonitors: []", (400, "INVALID_YAML")),
        ("application/yaml", "monitors: " + "[" * 100 + "]" * 100, (400, "INVALID_YAML")),
        ("application/yaml", BOMB, (400, "INVALID_YAML")),
        ("application/yaml", "monitors: []", (400, "BULK_EMPTY")),
        ("application/yaml", "monitor: []", (400, "UNKNOWN_FIELD")),
        ("text/csv", "name,url\nA,b", (400, "INVALID_CSV")),
        ("text/csv", "name,check\nA,b,c", (400, "INVALID_CSV")),
        ("text/csv", "name,check,name\nA,b,c", (400, "INVALID_CSV")),
        ("text/csv", 'name,check\n"A,b', (400, "INVALID_CSV")),
        ("text/csv", "", (400, "INVALID_CSV")),
        ("text/csv", "name,check\n", (400, "BULK_EMPTY")),
        ("application/json", "[]", (400, "INVALID_JSON")),
        ("application/xml", "<a/>", (415, "UNSUPPORTED_MEDIA_TYPE")),
    ],
)
async def test_what_is_no_list_of_monitors_is_refused_and_leaves_nothing(
    world: World, http: httpx.AsyncClient, kind: str, text: str, told: tuple[int, str]
) -> None:
    reply = await sent(http, kind, text)
    assert (reply.status_code, reply.json()["error"]["code"]) == told, reply.text
    assert (await world.get("/monitors"))["total"] == 0


async def test_all_or_none_and_later_as_a_job(world: World, http: httpx.AsyncClient) -> None:
    text = "name,check\nA,https://a.example.com/\nB,nonsense\n"
    assert (await sent(http, "text/csv", text, atomic="true")).status_code == 422
    assert (await world.get("/monitors"))["total"] == 0
    reply = await http.post(
        IMPORT, content=text.encode(), headers={"Content-Type": "text/csv", "Prefer": "respond-async"}
    )
    assert (reply.status_code, reply.json()["total"]) == (202, 2)
