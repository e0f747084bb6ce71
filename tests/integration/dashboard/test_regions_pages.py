"""Regions: health, coverage, and the private ones that a tenant keeps with their agents."""

from __future__ import annotations

import re

import httpx
import pytest

from shared.protocol import ANY_KIND
from tests.support.dashboard import Desk, post

HERE = "/app/regions"
OFFICE = {
    "id": "office",
    "name": "Office",
    "city": "Leeds",
    "country": "GB",
    "allow_cidrs": "10.0.0.0/8\n192.168.1.0/24",
}
KEY = re.compile(r"fw_probe_\w{49}")


async def make_office(http: httpx.AsyncClient) -> None:
    reply = await post(http, HERE, page=HERE, **OFFICE)
    assert (reply.status_code, reply.headers["Location"]) == (303, f"{HERE}/office")


async def register(http: httpx.AsyncClient, name: str = "office-1") -> httpx.Response:
    return await post(http, f"{HERE}/office/agents", page=f"{HERE}/office", name=name)


def agent_path(text: str, verb: str) -> str:
    found = re.search(rf'action="({HERE}/office/agents/[\w-]+/{verb})"', text)
    assert found is not None
    return found[1]


async def test_every_region_is_there_with_its_health(desk: Desk, http: httpx.AsyncClient) -> None:
    async with desk.database.app() as conn:
        await conn.execute(
            "UPDATE agents a SET lease_until = now() - interval '1 hour', last_seen_at = now() - interval '2 hours'"
            " FROM regions r WHERE r.id = a.region_id AND r.slug = 'us'"
        )
        await conn.execute("UPDATE agents SET capabilities = $1", ["http", ANY_KIND])
    text = (await http.get(HERE)).text
    america = text.partition("America")[2].partition("</li>")[0]
    europe = text.partition("Europe")[2].partition("</li>")[0]
    assert "silent" in america
    assert "last heard" in america
    assert ANY_KIND not in text, "agents say it to the control plane, not to people"
    assert "2 h ago" in america
    assert "live" in europe
    assert "1 of 1 agent live and well" in europe


async def test_shared_regions_are_shown_without_their_agents(desk: Desk, http: httpx.AsyncClient) -> None:
    async with desk.served.operator() as operator:
        assert (await operator.post("/operator/regions", json={"id": "paris", "name": "Paris"})).status_code == 201
        made = await operator.post("/operator/agents", json={"region": "paris", "name": "secret-host-7"})
        assert made.status_code == 201
    listed, one = await http.get(HERE), await http.get(f"{HERE}/paris")
    assert "Paris" in listed.text
    assert "The operator of this installation keeps this region" in one.text
    assert "secret-host-7" not in listed.text + one.text
    for path in (f"{HERE}/paris", f"{HERE}/paris/agents", f"{HERE}/paris/remove"):
        refused = await post(http, path, page=HERE, name="Mine")
        assert refused.status_code == 403


async def test_monitors_without_a_fresh_vote_are_named_with_the_reason(desk: Desk, http: httpx.AsyncClient) -> None:
    covered, waiting = await desk.monitor("Covered"), await desk.monitor("Waiting")
    await desk.all_up(covered)
    text = (await http.get(HERE)).text
    gaps = text.partition("Not covered now")[2].partition("</table>")[0]
    assert f"/app/monitors/{waiting}" in gaps
    assert f"/app/monitors/{covered}" not in gaps
    assert "Waits for its first result" in gaps
    assert "watches 1 of 2 monitors" in text
    async with desk.database.app() as conn:
        await conn.execute("UPDATE agents SET capabilities = '{tcp}'")
    assert "Its agent does not run http checks" in (await http.get(HERE)).text


async def test_a_private_region_is_made_changed_and_removed(desk: Desk, http: httpx.AsyncClient) -> None:
    await make_office(http)
    path = f"{HERE}/office"
    text = (await http.get(path)).text
    assert "Leeds, GB" in text
    assert "10.0.0.0/8\n192.168.1.0/24" in text
    changed = await post(http, path, page=path, name="Head office", latitude="53.8", longitude="-1.55", enabled="yes")
    assert changed.status_code == 303
    async with desk.served.tenant() as api:
        region = (await api.get("/api/v1/regions/office")).json()
    assert (region["name"], region["city"], region["latitude"]) == ("Head office", None, 53.8)
    assert (region["allow_cidrs"], region["enabled"]) == ([], True)
    assert (await post(http, f"{path}/remove", page=path)).status_code == 303
    assert (await http.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"id": ""}, "Lower-case letters"),
        ({"id": "Office!"}, "Lower-case letters"),
        ({"id": "-x"}, "Lower-case letters"),
        ({"id": "x" * 41}, "Lower-case letters"),
        ({"name": ""}, "1 to 100 characters"),
        ({"name": "n" * 101}, "1 to 100 characters"),
        ({"city": "c" * 101}, "At most 100 characters"),
        ({"latitude": "91"}, "between -90 and 90"),
        ({"latitude": "nan"}, "between -90 and 90"),
        ({"longitude": "west"}, "between -180 and 180"),
        ({"allow_cidrs": "10.0.0.1/8"}, "has host bits set"),
        ({"allow_cidrs": "<script>"}, "write a network such as"),
        ({"allow_cidrs": " ".join(["10.0.0.0/8"] * 51)}, "At most 50 networks"),
    ],
)
async def test_a_field_that_cannot_be_is_said_beside_it(
    fields: dict[str, str], said: str, http: httpx.AsyncClient
) -> None:
    reply = await post(http, HERE, page=HERE, **{**OFFICE, **fields})
    assert reply.status_code == 400
    assert said in reply.text
    [name] = fields
    assert f'id="{name}-problem"' in reply.text
    assert "<script>" not in reply.text
    assert (await http.get(f"{HERE}/office")).status_code == 404


async def test_an_id_that_is_taken_is_said_and_nothing_typed_is_lost(http: httpx.AsyncClient) -> None:
    await make_office(http)
    reply = await post(http, HERE, page=HERE, **{**OFFICE, "city": "York"})
    assert reply.status_code == 409
    assert "exists already" in reply.text
    assert 'value="York"' in reply.text


async def test_a_probe_key_is_shown_once_with_the_command_that_joins(desk: Desk, http: httpx.AsyncClient) -> None:
    await make_office(http)
    reply = await register(http)
    assert reply.status_code == 200
    key = KEY.search(reply.text)
    assert key is not None
    assert f"farwatch-agent join {desk.url} --key {key[0]}" in reply.text
    assert not KEY.search((await http.get(f"{HERE}/office")).text)
    hello = {"version": "1.0", "protocols": [1], "capabilities": ["http"], "boot_id": "x"}
    async with desk.served.client(key[0]) as agent:
        assert (await agent.post("/api/agent/v1/hello", json=hello)).status_code not in (401, 403)


async def test_an_agent_is_rotated_disabled_enabled_and_removed(desk: Desk, http: httpx.AsyncClient) -> None:
    await make_office(http)
    first = KEY.search((await register(http)).text)
    path = f"{HERE}/office"
    text = (await http.get(path)).text
    second = await post(http, agent_path(text, "rotate"), page=path)
    found = KEY.search(second.text)
    assert found is not None
    assert first is not None
    assert found[0] != first[0]
    assert "five more minutes" in second.text
    off = await post(http, agent_path(text, "switch"), page=path, enabled="no")
    assert off.status_code == 303
    assert "disabled" in (await http.get(path)).text.partition("office-1")[2].partition("</li>")[0]
    async with desk.served.client(found[0]) as agent:
        assert (await agent.get("/api/agent/v1/assignments")).status_code == 403
    assert (await post(http, agent_path(text, "switch"), page=path, enabled="yes")).status_code == 303
    assert (await post(http, agent_path(text, "remove"), page=path)).status_code == 303
    assert "office-1" not in (await http.get(path)).text.partition("Name of a new agent")[0]
    assert (await post(http, agent_path(text, "rotate"), page=path)).status_code == 404


@pytest.mark.parametrize(("name", "status"), [("", 400), ("a" * 101, 400), ("office-1", 409)])
async def test_an_agent_that_cannot_be_named_so_is_said(name: str, status: int, http: httpx.AsyncClient) -> None:
    await make_office(http)
    await register(http)
    reply = await register(http, name)
    assert reply.status_code == status
    assert 'role="alert"' in reply.text
    assert not KEY.search(reply.text)


async def test_without_the_scope_regions_are_read_only(desk: Desk, http: httpx.AsyncClient) -> None:
    await make_office(http)
    async with desk.served.tenant() as api:
        key = (await api.post("/api/v1/keys", json={"label": "reader", "scopes": ["regions:read"]})).json()["key"]
    async with desk.signed_in(key) as other:
        page = f"{HERE}/office"
        text = (await other.get(page)).text
        assert "Register" not in text
        assert "Change the region" not in text
        assert (await post(other, f"{page}/remove", page=page)).status_code == 403
        assert (await other.get("/app/regions/nowhere")).status_code == 404
