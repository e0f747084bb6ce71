"""Envelope, lists, entity tags, headers: what every JSON door has in common."""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from tests.support.serving import ControlPlane

TRACE = "0af7651916cd43dd8448eb211c80319c"


async def test_an_unknown_path_is_told_in_the_envelope(served: ControlPlane) -> None:
    async with served.client() as client:
        response = await client.get("/api/v1/nothing")
    assert response.status_code == 404
    error = response.json()["error"]
    assert set(error) == {"code", "message", "field", "details", "trace_id"}
    assert error["code"] == "NOT_FOUND"
    assert error["trace_id"] == response.headers["X-Trace-Id"]
    assert response.headers["Cache-Control"] == "no-store"


async def test_a_wrong_method_is_told_which_are_right(served: ControlPlane) -> None:
    async with served.tenant() as client:
        response = await client.put("/api/v1/keys", json={})
    assert (response.status_code, response.json()["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert response.headers["Allow"] == "GET, HEAD, POST"


async def test_problem_json_is_given_to_those_who_ask(served: ControlPlane) -> None:
    async with served.client() as client:
        response = await client.get("/api/v1/me", headers={"Accept": "application/problem+json"})
    assert response.headers["Content-Type"].startswith("application/problem+json")
    problem = response.json()
    assert (problem["status"], problem["code"]) == (401, "UNAUTHENTICATED")
    assert problem["type"] == "urn:farwatch:error:unauthenticated"
    assert all(problem[name] for name in ("detail", "title", "trace_id"))


async def test_a_traceparent_is_taken_over(served: ControlPlane) -> None:
    async with served.client() as client:
        response = await client.get("/api/v1/me", headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})
    assert response.json()["error"]["trace_id"] == TRACE
    assert response.headers["traceparent"].startswith(f"00-{TRACE}-")


@pytest.mark.parametrize("header", ["", "x", f"ff-{TRACE}-b7ad6b7169203331-01", f"00-{'0' * 32}-b7ad6b7169203331-01"])
async def test_a_malformed_traceparent_is_replaced(served: ControlPlane, header: str) -> None:
    async with served.client() as client:
        response = await client.get("/api/v1/me", headers={"traceparent": header})
    assert re.fullmatch("[0-9a-f]{32}", response.json()["error"]["trace_id"])
    assert response.json()["error"]["trace_id"] not in (TRACE, "0" * 32)


async def test_head_is_answered_where_get_is(served: ControlPlane) -> None:
    async with served.tenant() as client:
        response = await client.head("/api/v1/me")
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize("path", ["/api/v1/events", f"/api/v1/monitors/{UUID(int=1)}/events"])
async def test_head_is_not_answered_where_get_streams(served: ControlPlane, path: str) -> None:
    async with served.tenant() as client:
        response = await client.head(path)
    assert (response.status_code, response.headers["Allow"]) == (405, "GET")


async def test_head_takes_no_work_from_an_agent(served: ControlPlane) -> None:
    async with served.client("fw_probe_whatever") as client:
        for path in ("/api/agent/v1/dispatch", "/api/agent/v1/assignments"):
            assert (await client.head(path)).status_code == 405


async def test_reads_may_be_kept_for_ten_seconds_and_mutations_never(served: ControlPlane) -> None:
    async with served.tenant() as client:
        assert (await client.get("/api/v1/keys")).headers["Cache-Control"] == "private, max-age=10"
        made = await client.post("/api/v1/keys", json={"label": "a key"})
        assert made.headers["Cache-Control"] == "no-store"
        assert (await client.get("/healthz")).headers["Cache-Control"] == "no-store"
        public = (await client.get("/openapi.json")).headers["Cache-Control"]
        assert public == "public, max-age=10, stale-while-revalidate=30"


async def test_every_answer_forbids_sniffing_and_framing(served: ControlPlane) -> None:
    async with served.client() as client:
        for path in ("/healthz", "/nothing"):
            headers = (await client.get(path)).headers
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


async def test_no_answer_opens_another_origin(served: ControlPlane) -> None:
    async with served.tenant() as client:
        response = await client.get("/api/v1/me", headers={"Origin": "https://evil.example"})
    assert not [name for name in response.headers if name.lower().startswith("access-control-")]


async def test_creating_names_the_place(served: ControlPlane) -> None:
    async with served.tenant() as client:
        made = await client.post("/api/v1/keys", json={"label": "a key"})
    assert made.status_code == 201
    assert made.headers["Location"] == f"/api/v1/keys/{made.json()['id']}"


async def test_a_list_links_its_neighbours(served: ControlPlane) -> None:
    async with served.tenant() as client:
        for number in range(4):
            await client.post("/api/v1/keys", json={"label": f"key {number}"})
        page = await client.get("/api/v1/keys?limit=2&offset=2")
        assert {name: page.json()[name] for name in ("total", "limit", "offset")} == {
            "total": 5,
            "limit": 2,
            "offset": 2,
        }
        assert page.headers["Link"] == (
            '</api/v1/keys?limit=2&offset=4>; rel="next", </api/v1/keys?limit=2&offset=0>; rel="prev"'
        )
        last = await client.get("/api/v1/keys?limit=2&offset=4")
        assert [item["label"] for item in last.json()["items"]] == ["key 3"]
        assert 'rel="next"' not in last.headers["Link"]
        beyond = await client.get("/api/v1/keys?offset=100")
        assert (beyond.json()["items"], beyond.json()["total"]) == ([], 5)


async def test_a_limit_over_the_cap_is_lowered_without_a_word(served: ControlPlane) -> None:
    async with served.tenant() as client:
        assert (await client.get("/api/v1/keys?limit=100000")).json()["limit"] == 200


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "INVALID_LIMIT"),
        ("limit=-1", "INVALID_LIMIT"),
        ("limit=x", "INVALID_LIMIT"),
        ("limit=1.5", "INVALID_LIMIT"),
        ("limit=1&limit=2", "INVALID_LIMIT"),
        ("limit=", "INVALID_LIMIT"),
        ("offset=-1", "INVALID_OFFSET"),
        ("offset=99999999999999999999", "INVALID_OFFSET"),
        ("colour=red", "UNKNOWN_PARAMETER"),
        ("limit=%00", "INVALID_STRING"),
    ],
)
async def test_a_bad_parameter_is_named(served: ControlPlane, query: str, code: str) -> None:
    async with served.tenant() as client:
        response = await client.get(f"/api/v1/keys?{query}")
    assert (response.status_code, response.json()["error"]["code"]) == (400, code)


@pytest.mark.parametrize("id_", ["abc", "1 OR 1=1", "00000000000000000000000000000000", "%00"])
async def test_an_id_that_is_no_uuid_is_refused(served: ControlPlane, id_: str) -> None:
    async with served.tenant() as client:
        response = await client.delete(f"/api/v1/keys/{id_}")
    assert response.status_code == 400
    assert response.json()["error"]["code"] in ("INVALID_ID", "INVALID_STRING")


async def test_if_match_protects_against_a_lost_update(served: ControlPlane) -> None:
    path = f"/operator/tenants/{served.home.tenant_id}"
    async with served.operator() as client:
        tag = (await client.get(path)).headers["ETag"]
        changed = await client.patch(path, json={"name": "One"}, headers={"If-Match": tag})
        assert changed.headers["ETag"] != tag
        late = await client.patch(path, json={"name": "Two"}, headers={"If-Match": tag})
        assert (late.status_code, late.json()["error"]["code"]) == (412, "PRECONDITION_FAILED")
        weak = await client.patch(path, json={"name": "Two"}, headers={"If-Match": f"W/{changed.headers['ETag']}"})
        assert weak.status_code == 412
        several = f'"999", {changed.headers["ETag"]}'
        assert (await client.patch(path, json={"name": "Two"}, headers={"If-Match": several})).status_code == 200
        assert (await client.patch(path, json={"name": "Three"}, headers={"If-Match": "*"})).status_code == 200
        assert (await client.patch(path, json={"name": "Four"})).json()["name"] == "Four"


async def test_openapi_is_served(served: ControlPlane) -> None:
    async with served.client() as client:
        assert (await client.get("/openapi.json")).json()["openapi"].startswith("3.1")
