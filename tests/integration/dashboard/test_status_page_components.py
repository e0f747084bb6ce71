"""The components of a status page: added, named, put under headings and in order; and what the public is told."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID

import httpx
import msgspec

from control_plane.domain.pages.subscriber_rules import Kind, Target, target_digest
from control_plane.services.pages.read_subscribers import subscriber_context
from control_plane.store.page_subscribers import NewSubscriber, hold_list, insert_subscriber
from shared.ids import TenantId
from tests.support.dashboard import Desk, post, token_of

HOSTILE = '"><script>alert(1)</script>&lt;b&gt;'


async def a_page(desk: Desk) -> str:
    async with desk.served.tenant() as api:
        made = await api.post("/api/v1/status-pages", json={"slug": "acme", "title": "Acme"})
    return f"/app/status-pages/{made.json()['id']}"


async def lines(desk: Desk, here: str) -> list[dict[str, Any]]:
    async with desk.served.tenant() as api:
        found = await api.get(f"/api/v1/status-pages/{here.rpartition('/')[2]}/components")
    items: list[dict[str, Any]] = found.json()["items"]
    return items


async def order(desk: Desk, here: str) -> list[str]:
    return [f"{each['group'] or '-'}/{each['name']}" for each in await lines(desk, here)]


async def test_lines_are_added_arranged_and_taken_off_without_scripts(desk: Desk, http: httpx.AsyncClient) -> None:
    here = await a_page(desk)
    at = f"{here}/components"
    assert "Nothing is shown yet" in (await http.get(at)).text
    ids = {name: str(await desk.monitor(name, group=group)) for name, group in (
        ("Cart", "Shop"), ("Paying", "Shop"), ("Mail", None), ("Zebra", "Zoo"),
    )}  # fmt: skip
    found = (await http.get(at, params={"q": "shop"})).text
    assert re.findall(r'name="monitors" value="([^"]+)"', found) == [ids["Cart"], ids["Paying"]]
    assert "matches “nothing”" in (await http.get(at, params={"q": "nothing"})).text
    put = [ids[name] for name in ("Cart", "Paying", "Mail")]
    added = await post(http, at, page=at, monitors=put, own_groups="yes", group="Others")
    assert added.headers["Location"].endswith("said=added")
    assert await order(desk, here) == ["Shop/Cart", "Shop/Paying", "Others/Mail"]
    assert (await post(http, at, page=at, monitors=[ids["Zebra"], "nonsense"], group="")).status_code == 303
    by_name = {each["name"]: each["id"] for each in await lines(desk, here)}

    moved = await post(http, f"{at}/{by_name['Cart']}/move", page=at, way="down")
    button = moved.headers["Location"].rpartition("#")[2]
    assert button == f"up-{by_name['Cart']}", "the button that is left gets the focus"
    assert f'id="{button}"' in (await http.get(moved.headers["Location"])).text
    assert await order(desk, here) == ["Shop/Paying", "Shop/Cart", "Others/Mail", "-/Zebra"]
    await post(http, f"{at}/{by_name['Cart']}/move", page=at, way="down")
    assert await order(desk, here) == ["Shop/Paying", "Shop/Cart", "Others/Mail", "-/Zebra"]

    await post(http, f"{at}/heading", page=at, old="Others", way="up")
    assert await order(desk, here) == ["Others/Mail", "Shop/Paying", "Shop/Cart", "-/Zebra"]
    await post(http, f"{at}/heading", page=at, old="", way="up")
    assert await order(desk, here) == ["Others/Mail", "-/Zebra", "Shop/Paying", "Shop/Cart"]
    await post(http, f"{at}/heading", page=at, old="Shop", new="Store")
    long = await post(http, f"{at}/heading", page=at, old="Store", new="x" * 101)
    assert long.status_code == 400
    assert "1 to 100" in long.text
    await post(http, f"{at}/heading", page=at, old="Others", new="")
    assert await order(desk, here) == ["-/Mail", "-/Zebra", "Store/Paying", "Store/Cart"]

    drop = f"{at}/{by_name['Mail']}/move"
    await post(http, drop, page=at, before=by_name["Cart"], heading="Store")
    assert await order(desk, here) == ["-/Zebra", "Store/Paying", "Store/Mail", "Store/Cart"]
    await post(http, drop, page=at, before="", heading="")
    assert await order(desk, here) == ["-/Zebra", "-/Mail", "Store/Paying", "Store/Cart"]

    gone = await post(http, f"{at}/{by_name['Mail']}/remove", page=at)
    assert gone.headers["Location"].endswith("said=removed")
    assert "Its monitor goes on" in (await http.get(gone.headers["Location"])).text
    assert await order(desk, here) == ["-/Zebra", "Store/Paying", "Store/Cart"]


async def test_a_line_is_changed_where_it_stands(desk: Desk, http: httpx.AsyncClient) -> None:
    here = await a_page(desk)
    at = f"{here}/components"
    await desk.monitor("api-eu-1")
    found = re.findall(r'name="monitors" value="([^"]+)"', (await http.get(at)).text)
    await post(http, at, page=at, monitors=found)
    (line,) = await lines(desk, here)
    one = f"{at}/{line['id']}"
    changed = {"name": HOSTILE, "group": HOSTILE[:90], "description": f"{HOSTILE}\r\nmore", "show_uptime": "yes"}
    assert (await post(http, one, page=at, revision="1", **changed)).status_code == 303
    (now,) = await lines(desk, here)
    assert (now["name"], now["description"], now["show_uptime"], now["show_latency"]) == (
        *(HOSTILE, f"{HOSTILE}\nmore", True, False),
    )
    shown = (await http.get(at, params={"change": line["id"]})).text
    preview = (await http.get(f"{here}/preview")).text
    assert "<script>alert" not in shown + preview
    assert shown.count("&lt;script&gt;alert(1)") >= 5
    assert preview.count("&lt;script&gt;alert(1)") >= 3
    assert ">api-eu-1</a>" in shown
    assert "without latency" in shown

    late = await post(http, one, page=at, revision="1", **{**changed, "name": "Mine"})
    assert late.status_code == 412
    assert "Somebody else changed this line" in late.text
    assert 'value="Mine"' in late.text
    for typed, field, said in (
        ({"name": ""}, "name", "1 to 100"),
        ({"name": "x" * 101}, "name", "1 to 100"),
        ({"group": "x" * 101}, "group", "1 to 100"),
        ({"description": "x" * 2001}, "description", "2001"),
    ):
        wrong = await post(http, one, page=at, revision="2", **{**changed, "name": "Kept", **typed})
        assert wrong.status_code == 400, typed
        problem = re.search(rf'id="{line["id"]}-{field}-problem">([^<]+)<', wrong.text)
        assert problem is not None, typed
        assert said in unescape(problem[1]), typed
        assert wrong.text.count("change-form") == 1
    assert (await lines(desk, here))[0]["name"] == HOSTILE


async def test_what_the_public_reads_is_listed_with_the_way_to_change_it(desk: Desk, http: httpx.AsyncClient) -> None:
    here = await a_page(desk)
    checkout, other = await desk.monitor("Checkout"), await desk.monitor("Other")
    for each in (checkout, other):
        await desk.all_up(each)
        await desk.down(each, "eu", "us")
    assert "had an incident" in (await http.get(f"{here}/incidents")).text
    async with desk.served.tenant() as api:
        page_id = here.rpartition("/")[2]
        await api.post(f"/api/v1/status-pages/{page_id}/components", json={"monitor_id": str(checkout)})
        incidents = (await api.get("/api/v1/incidents", params={"monitor_id": str(checkout)})).json()["items"]
        silent = (await http.get(f"{here}/incidents")).text
        body = {"text": HOSTILE, "phase": "identified"}
        told = await api.post(f"/api/v1/incidents/{incidents[0]['id']}/updates", json=body)
        assert told.status_code == 201, told.text
        await api.patch(f"/api/v1/incidents/{incidents[0]['id']}", json={"public_title": "Paying is slow"})
        window = {"title": "New pumps", "all_monitors": True, "public": True}
        window |= {"starts_at": "2190-01-01T00:00:00Z", "ends_at": "2190-01-01T01:00:00Z"}
        await api.post("/api/v1/maintenance", json=window)
    assert "Checkout is down" in silent
    assert "nobody has told the public anything yet" in silent
    shown = (await http.get(f"{here}/incidents")).text
    assert "Paying is slow" in shown
    assert f'href="/app/incidents/{incidents[0]["id"]}"' in shown
    assert "&lt;script&gt;" in shown
    assert "Other" not in shown.split("<main", 1)[1]
    listed = (await http.get("/app/status-pages")).text
    assert "Partial outage" in listed


async def test_the_list_says_of_a_page_what_the_page_says(desk: Desk, http: httpx.AsyncClient) -> None:
    here = await a_page(desk)
    monitor = await desk.monitor("Checkout")
    await desk.all_up(monitor)
    async with desk.served.tenant() as api:
        page_id = here.rpartition("/")[2]
        await api.post(f"/api/v1/status-pages/{page_id}/components", json={"monitor_id": str(monitor)})
        await api.patch(f"/api/v1/status-pages/{page_id}", json={"state": "published"})
        assert "Operational" in (await http.get("/app/status-pages")).text
        body = {"title": "Paying fails", "severity": "critical", "monitor_ids": [str(monitor)]}
        declared = await api.post("/api/v1/incidents", json=body)
        assert declared.status_code == 201, declared.text
    assert "Major outage" in (await http.get("/app/status-pages")).text
    async with desk.browser() as reader:
        assert (await reader.get("/api/public/v1/pages/acme")).json()["status"] == "major_outage"


async def subscribed(desk: Desk, here: str, kind: Kind, address: str, *, confirmed: bool, note: str = "") -> None:
    """Somebody who asked to be told, as the public's form would store them."""
    deps = desk.served.deps
    async with desk.database.app_transaction() as conn:
        tenant_id = TenantId(await conn.fetchval("SELECT tenant_id FROM status_pages"))
        await hold_list(conn, tenant_id=tenant_id, page_id=UUID(here.rpartition("/")[2]))
        new_id = deps.new_id()
        sealed = deps.sealer.seal(
            msgspec.json.encode(Target(address=address)), context=subscriber_context(tenant_id, new_id)
        )
        pepper = deps.settings.security.pepper.encode()
        new = NewSubscriber(
            tenant_id=tenant_id,
            id=new_id,
            page_id=UUID(here.rpartition("/")[2]),
            kind=kind,
            digest=target_digest(kind, address, pepper=pepper),
            sealed=sealed,
            component_ids=None,
            source="public",
            note=note,
            nonce=b"n" * 16,
        )
        await insert_subscriber(conn, new, within=timedelta(hours=1))
        if confirmed:
            await conn.execute(CONFIRM, new_id)


CONFIRM = "UPDATE page_subscribers SET confirmed_at = now(), confirm_until = NULL WHERE id = $1"


async def test_subscribers_are_found_handed_out_and_taken_off(desk: Desk, http: httpx.AsyncClient) -> None:
    here = await a_page(desk)
    at = f"{here}/subscribers"
    assert "Nobody has subscribed yet" in (await http.get(at)).text
    await subscribed(desk, here, "email", "ana@example.com", confirmed=True)
    await subscribed(desk, here, "email", "=cmd@example.com", confirmed=False, note=HOSTILE)
    await subscribed(desk, here, "webhook", "https://hooks.example.com/secret/path", confirmed=True)
    page = (await http.get(at)).text
    assert "2 confirmed subscribers, 1 asked and not answered yet" in page
    assert "https://hooks.example.com/…" in page
    assert "&lt;script&gt;" in page
    assert "2 subscribers" in (await http.get("/app/status-pages")).text
    for asked, there, away in (
        ({"q": "ANA@example.com"}, "ana@example.com", "hooks"),
        ({"kind": "webhook"}, "hooks.example.com", "ana@"),
        ({"state": "pending"}, "=cmd@example.com", "ana@"),
        ({"q": "nobody@example.com"}, "Nobody is found like this", "ana@"),
    ):
        found = (await http.get(at, params=asked)).text.split("<main", 1)[1].replace('placeholder="ana@', "")
        assert there in found, asked
        assert away not in found.replace('value="ANA@', ""), asked
    file = await http.get(f"{at}/export")
    assert file.headers["Content-Disposition"] == 'attachment; filename="subscribers-acme.csv"'
    assert "ana@example.com,email,confirmed,the whole page,public" in file.text
    assert "'=cmd@example.com" in file.text
    assert "secret" not in file.text + page
    taken = re.search(r'action="([^"]+/remove)"', (await http.get(at, params={"q": "ana@example.com"})).text)
    assert taken is not None
    async with desk.served.tenant() as api:
        body = {"label": "Reader", "scopes": ["status-pages:read"]}
        key = (await api.post("/api/v1/keys", json=body)).json()["key"]
    async with desk.signed_in(key) as reader:
        shown = await reader.get(at)
        assert "/remove" not in shown.text
        assert (await reader.get(f"{at}/export")).status_code == 403
        token = token_of(shown.text)
        assert (await reader.post(taken[1], data={"form_token": token})).status_code == 403
    gone = await post(http, taken[1], page=at)
    assert gone.headers["Location"] == f"{at}?said=removed"
    assert "ana@example.com</strong>" not in (await http.get(gone.headers["Location"])).text
    assert (await post(http, taken[1], page=at)).status_code == 404
