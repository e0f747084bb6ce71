"""Status pages in the dashboard: the first one, the editor with its preview, publishing, deleting; and refusals."""

from __future__ import annotations

import io
import re
from html import unescape
from typing import Any

import httpx
import pytest

from control_plane.dashboard.visit import TOKEN
from tests.support.dashboard import Desk, post, token_of

Image = pytest.importorskip("PIL.Image")

HERE = "/app/status-pages"
NEW = f"{HERE}/new"
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>&lt;{{7*7}}'
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


async def pages(desk: Desk) -> list[dict[str, Any]]:
    async with desk.served.tenant() as api:
        items: list[dict[str, Any]] = (await api.get("/api/v1/status-pages")).json()["items"]
    return items


async def a_page(desk: Desk, **body: Any) -> dict[str, Any]:
    async with desk.served.tenant() as api:
        reply = await api.post("/api/v1/status-pages", json={"slug": "acme", "title": "Acme", **body})
    assert reply.status_code == 201, reply.text
    return dict(reply.json())


def problem(page: str, name: str) -> str:
    found = re.search(rf'<p class="problem" id="{name}-problem">([^<]+)</p>', page)
    assert found is not None, f"nothing is said of {name}"
    return unescape(found[1])


def filled(page: str) -> dict[str, str]:
    """What the editor's form would send as it stands; a tick that is off, and a file, is not sent."""
    form = page[page.index('id="page-form"') : page.index("</form>", page.index('id="page-form"'))]
    found: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        given = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if given.get("type") == "file" or (given.get("type") in ("checkbox", "radio") and " checked" not in tag):
            continue
        found[given["name"]] = unescape(given.get("value", ""))
    for name, text in re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>([^<]*)</textarea>', form):
        found[name] = unescape(text)
    chosen = re.search(r'<option value="(\w+)" selected>', form)
    return {**found, "language": chosen[1] if chosen else "en"}


async def save(http: httpx.AsyncClient, page_id: str, **changed: Any) -> httpx.Response:
    """The editor's form with these fields changed; a file is given as bytes."""
    sent = filled((await http.get(f"{HERE}/{page_id}")).text)
    files = {name: ("logo.png", value, "image/png") for name, value in changed.items() if isinstance(value, bytes)}
    fields = {**sent, **{name: value for name, value in changed.items() if name not in files}}
    kept = {name: value for name, value in fields.items() if value is not None}
    return await http.post(f"{HERE}/{page_id}", data=kept, files=files or None)


def picture(size: tuple[int, int] = (40, 20)) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(made, "PNG")
    return made.getvalue()


async def test_without_a_page_there_are_three_steps_to_one(desk: Desk, http: httpx.AsyncClient) -> None:
    text = (await http.get(HERE)).text
    assert '<a href="/app/status-pages" aria-current="page">Status pages</a>' in text
    assert "Make the first page" in text
    assert text.count("<li><strong>") == 3
    await desk.monitor("Checkout")
    form = (await http.get(NEW)).text
    assert "Checkout" in form
    assert "made from the name" in form


async def test_a_page_is_made_with_what_it_shows_in_one_step(desk: Desk, http: httpx.AsyncClient) -> None:
    mail = await desk.monitor("Mail")
    await desk.monitor("Checkout", tags=["prod"], group="Shop")
    await desk.monitor("Search", tags=["prod"], group="Shop")
    await desk.monitor("Inside", tags=["office"])
    chosen = {"monitors": str(mail), "tags": "prod", "own_groups": "yes", "language": "de"}
    made = await post(http, NEW, page=NEW, title="Größe & Söhne", **chosen)
    assert made.status_code == 303, made.text
    (page,) = await pages(desk)
    assert (page["slug"], page["state"], page["language"], page["write_source"]) == (
        "grosse-sohne",
        "draft",
        "de",
        "ui",
    )
    async with desk.served.tenant() as api:
        lines = (await api.get(f"/api/v1/status-pages/{page['id']}/components")).json()["items"]
    assert [(each["name"], each["group"]) for each in lines] == [
        ("Mail", None),
        ("Checkout", "Shop"),
        ("Search", "Shop"),
    ]
    shown = (await http.get(made.headers["Location"])).text
    assert "The page is there, as a draft" in shown
    assert "Größe &amp; Söhne" in shown
    listed = (await http.get(HERE)).text
    assert "3 components" in listed
    assert "Draft" in listed


async def test_a_refused_first_page_keeps_what_was_typed_and_leaves_nothing(
    desk: Desk, http: httpx.AsyncClient
) -> None:
    await a_page(desk)
    await desk.monitor("Mail", tags=["prod"])
    for typed, field, said in (
        ({"title": "", "slug": "other"}, "title", "1 to 100"),
        ({"title": "Other", "slug": "No Slug!"}, "slug", "a-z"),
        ({"title": "Other", "slug": "admin"}, "slug", "kept for Farwatch"),
        ({"title": "Acme", "slug": ""}, "slug", "taken"),
        ({"title": "Other", "slug": "other", "language": "xx"}, "language", "one of"),
    ):
        reply = await post(http, NEW, page=NEW, tags="prod", **typed)
        assert reply.status_code in (400, 409, 422), typed
        assert said in problem(reply.text, field), typed
        assert f'value="{typed["title"]}"' in reply.text
        assert re.search(r'name="tags" value="prod" checked', reply.text), typed
    assert len(await pages(desk)) == 1


async def test_each_field_of_the_editor_is_saved(desk: Desk, http: httpx.AsyncClient) -> None:
    page = await a_page(desk)
    async with desk.served.tenant() as api:
        await api.post("/api/v1/domains", json={"domain": "example.com"})
    async with desk.database.owner() as conn:
        await conn.execute("UPDATE domains SET state = 'verified', verified_at = now()")
    reply = await save(
        http, page["id"], title="Store", slug="store", description="What we sell", language="ar", visibility="unlisted",
        password="correct horse", accent="#1D5FD1", accent_dark="#93b4ff", background="#ffffff",
        background_dark="#000000", header_text="Above\r\nbelow", footer_text="Foot", custom_domain="Status.example.com",
        show_uptime=None, show_latency="yes", history_days="30", key="store",
    )  # fmt: skip
    assert reply.status_code == 303, reply.text
    (now,) = await pages(desk)
    colours = {"accent": "#1d5fd1", "accent_dark": "#93b4ff", "background": "#ffffff", "background_dark": "#000000"}
    told = ("title", "slug", "description", "language", "state", "listed", "password", "key", "custom_domain")
    assert [now[name] for name in told] == [
        *("Store", "store", "What we sell", "ar", "published", False, "***", "store", "status.example.com")
    ]
    assert now["branding"] == colours
    assert (now["header_text"], now["footer_text"]) == ("Above\nbelow", "Foot")
    assert (now["show_uptime"], now["show_latency"], now["history_days"]) == (False, True, 30)
    shown = (await http.get(f"{HERE}/{page['id']}")).text
    assert "correct horse" not in shown
    assert "status.example.com is proven yours" in shown
    assert "A or AAAA record of <code>status.example.com</code>" in shown
    assert (await save(http, page["id"])).status_code == 303
    assert (await pages(desk))[0] == now
    emptied = dict.fromkeys(("description", "custom_domain", "key", "header_text", "footer_text", *colours), "")
    assert (await save(http, page["id"], **emptied, no_password="yes", history_days="")).status_code == 303
    (bare,) = await pages(desk)
    assert (bare["description"], bare["custom_domain"], bare["password"], bare["key"]) == ("", None, None, None)
    assert (set(bare["branding"].values()), bare["history_days"]) == ({None}, 90)


async def test_every_bad_field_is_told_beside_it_and_nothing_is_saved(desk: Desk, http: httpx.AsyncClient) -> None:
    page = await a_page(desk)
    async with desk.served.tenant() as api:
        await api.post("/api/v1/status-pages", json={"slug": "taken", "title": "Other", "key": "mine"})
    (before, _) = await pages(desk)
    long = "x" * 2001
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"title": " "}, "title", "1 to 100"),
        ({"title": "a\x00b"}, "title", ""),
        ({"slug": "Ä"}, "slug", "a-z"),
        ({"slug": "operator"}, "slug", "kept"),
        ({"slug": "taken"}, "slug", "taken"),
        ({"description": long}, "description", "2001"),
        ({"header_text": long}, "header_text", "2001"),
        ({"footer_text": long}, "footer_text", "2001"),
        ({"language": "tlh"}, "language", "one of"),
        ({"visibility": "secret"}, "visibility", "one of"),
        ({"password": "short"}, "password", "8"),
        ({"password": "***"}, "password", ""),
        ({"accent": "red"}, "accent", "#rrggbb"),
        ({"accent": "#ffee00"}, "accent", "is the nearest that does"),
        ({"background": "#777777"}, "background", "7.0"),
        ({"custom_domain": "elsewhere.example"}, "custom_domain", "not proven"),
        ({"custom_domain": "no domain"}, "custom_domain", ""),
        ({"history_days": "91"}, "history_days", "90"),
        ({"history_days": "many"}, "history_days", ""),
        ({"key": "mine"}, "key", ""),
        ({"key": "No Key"}, "key", ""),
        ({"logo": SVG}, "logo", "SVG"),
        ({"logo": b"GIF89a"}, "logo", "no PNG"),
        ({"logo": b"x" * 2_200_000}, "logo", "more than 2 MiB"),
    ]
    for typed, field, said in cases:
        sent = {"footer_text": "kept as typed", **typed}
        reply = await save(http, page["id"], **sent)
        assert reply.status_code in (400, 409, 422), (typed, reply.status_code)
        assert said in problem(reply.text, field), typed
        assert sent["footer_text"] in reply.text
    assert (await pages(desk))[0] == before


async def test_who_was_overtaken_is_told_and_may_save_again(desk: Desk, http: httpx.AsyncClient) -> None:
    page = await a_page(desk)
    mine = filled((await http.get(f"{HERE}/{page['id']}")).text)
    async with desk.served.tenant() as api:
        await api.patch(f"/api/v1/status-pages/{page['id']}", json={"title": "Theirs"})
    late = await http.post(f"{HERE}/{page['id']}", data={**mine, "title": "Mine"})
    assert late.status_code == 412
    assert "Somebody else saved this page" in late.text
    again = filled(late.text)
    assert again["title"] == "Mine"
    assert (await pages(desk))[0]["title"] == "Theirs"
    assert (await http.post(f"{HERE}/{page['id']}", data=again)).status_code == 303
    assert (await pages(desk))[0]["title"] == "Mine"


async def test_the_preview_is_the_page_as_it_is_typed_and_nothing_in_it_acts(
    desk: Desk, http: httpx.AsyncClient
) -> None:
    monitor = await desk.monitor("Checkout")
    page = await a_page(desk)
    here = f"{HERE}/{page['id']}"
    async with desk.served.tenant() as api:
        await api.post(f"/api/v1/status-pages/{page['id']}/components", json={"monitor_id": str(monitor)})
    stored = await http.get(f"{here}/preview")
    assert "Checkout" in stored.text
    typed = {**filled((await http.get(here)).text), "title": HOSTILE, "header_text": HOSTILE, "accent": "#b3261e"}
    typed |= {"footer_text": HOSTILE, "language": "de", "theme": "dark", "slug": "NOT A SLUG", "background": "#777777"}
    drawn = await http.post(f"{here}/preview", data=typed)
    for reply in (stored, drawn):
        policy = reply.headers["Content-Security-Policy"]
        assert "frame-ancestors 'self'" in policy
        assert policy.endswith("sandbox allow-same-origin")
        assert "script-src" not in policy
        assert reply.headers["X-Frame-Options"] == "SAMEORIGIN"
        assert "<script" not in reply.text
        assert re.search(r"<a\b[^>]*href", reply.text) is None
    assert '<html lang="de" dir="ltr" data-theme="dark">' in drawn.text
    assert "b3261e_" in drawn.text
    assert drawn.text.count("&#34;&gt;&lt;script&gt;") >= 3
    assert "<img src=x" not in drawn.text
    told = await http.post(
        f"{here}/preview", data={**typed, "accent": "#ffee00"}, headers={"Accept": "application/json"}
    )
    said = {each["name"]: each for each in told.json()["swatches"]}
    assert not said["accent"]["good"]
    assert "would do" in said["accent"]["words"]
    assert (await pages(desk))[0]["title"] == "Acme"
    for path in (HERE, here, f"{here}/components"):
        framed = await http.get(path)
        assert "frame-ancestors 'none'" in framed.headers["Content-Security-Policy"]
        assert framed.headers["X-Frame-Options"] == "DENY"


async def test_a_logo_is_drawn_anew_shown_and_taken_away(desk: Desk, http: httpx.AsyncClient) -> None:
    page = await a_page(desk)
    here = f"{HERE}/{page['id']}"
    assert (await http.get(f"{here}/logo")).status_code == 404
    assert (await save(http, page["id"], logo=picture((2000, 1000)), title="With a logo")).status_code == 303
    (now,) = await pages(desk)
    assert now["title"] == "With a logo"
    assert now["logo_url"] is not None
    shown = await http.get(f"{here}/logo")
    assert shown.headers["Content-Type"] == "image/png"
    assert Image.open(io.BytesIO(shown.content)).size == (512, 256)
    assert f"{here}/logo?of=" in (await http.get(f"{here}/preview")).text
    assert (await save(http, page["id"], no_logo="yes")).status_code == 303
    assert (await pages(desk))[0]["logo_url"] is None
    forged = {TOKEN: "0" * 64, "title": "Forged"}
    files = {"logo": ("logo.png", picture(), "image/png")}
    assert (await http.post(here, data=forged, files=files)).status_code == 403
    big = {"logo": ("logo.png", b"x" * 6_400_000, "image/png")}
    assert (await http.post(here, data=forged, files=big)).status_code == 413
    assert (await http.post(here, content=b"{}", headers={"Content-Type": "application/json"})).status_code == 415
    assert (await pages(desk))[0]["title"] == "With a logo"


async def test_a_page_is_published_once_it_shows_something_and_deleted_by_its_name(
    desk: Desk, http: httpx.AsyncClient
) -> None:
    page = await a_page(desk)
    here = f"{HERE}/{page['id']}"
    bare = (await http.get(here)).text
    assert "It shows nothing yet" in bare
    assert 'name="to" value="published"' not in bare
    monitor = await desk.monitor("api.eu.internal.example:8443")
    await desk.all_up(monitor)
    async with desk.served.tenant() as api:
        await api.post(f"/api/v1/status-pages/{page['id']}/components", json={"monitor_id": str(monitor)})
    assert "looks like an address" in (await http.get(here)).text
    async with desk.browser() as reader:
        assert (await reader.get("/status/acme")).status_code == 404
        for to in ("published", "draft", "unlisted"):
            assert (await post(http, f"{here}/state", page=here, to=to)).headers["Location"] == f"{here}?said={to}"
        assert (await reader.get("/status/acme")).status_code == 200
        assert (await post(http, f"{here}/state", page=here, to="nonsense")).status_code == 400
        listed = (await http.get(HERE)).text
        assert "Unlisted" in listed
        assert "Operational" in listed
        wrong = await post(http, f"{here}/delete", page=f"{here}/delete", slug="acm")
        assert wrong.status_code == 400
        assert "type acme" in problem(wrong.text, "slug")
        assert len(await pages(desk)) == 1
        gone = await post(http, f"{here}/delete", page=f"{here}/delete", slug="acme")
        assert gone.headers["Location"] == f"{HERE}?said=deleted"
    assert await pages(desk) == []
    assert (await http.get(here)).status_code == 404


async def test_who_may_only_read_sees_everything_and_writes_nothing(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor = await desk.monitor("Checkout")
    page = await a_page(desk)
    here = f"{HERE}/{page['id']}"
    async with desk.served.tenant() as api:
        made = await api.post(f"/api/v1/status-pages/{page['id']}/components", json={"monitor_id": str(monitor)})
        line = made.json()["id"]
        body = {"label": "Reader", "scopes": ["status-pages:read"]}
        key = (await api.post("/api/v1/keys", json=body)).json()["key"]
        other = (await api.post("/api/v1/keys", json={"label": "Nobody", "scopes": ["monitors:read"]})).json()["key"]
    token = token_of((await http.get(here)).text)
    async with desk.signed_in(key) as reader:
        for path in (HERE, here, f"{here}/components", f"{here}/incidents", f"{here}/preview"):
            assert (await reader.get(path)).status_code == 200, path
        shown = (await reader.get(here)).text
        assert 'fieldset class="whole" disabled' in shown
        assert ">Save<" not in shown
        assert "data-arrange" not in (await reader.get(f"{here}/components")).text
        token = token_of(shown)
        forms = ("", "/state", "/delete", "/components", "/components/heading", f"/components/{line}")
        for path in (*forms, f"/components/{line}/move", f"/components/{line}/remove"):
            sent = {TOKEN: token, "slug": "acme", "to": "published", "title": "Hers", "name": "Hers"}
            assert (await reader.post(f"{here}{path}", data=sent)).status_code == 403, path
        assert (await reader.get(NEW)).status_code == 403
        assert (await reader.post(NEW, data={TOKEN: token, "title": "Hers"})).status_code == 403
        assert (await reader.post(f"{here}/preview", data={TOKEN: token, "title": "Hers"})).status_code == 200
    async with desk.signed_in(other) as stranger:
        assert "Status pages" not in (await stranger.get("/app")).text
        for path in (HERE, here, f"{here}/preview", f"{here}/logo"):
            assert (await stranger.get(path)).status_code == 403, path
    (now,) = await pages(desk)
    assert (now["title"], now["state"], now["components"]) == ("Acme", "draft", 1)


async def test_a_full_plan_is_told_with_what_helps(desk: Desk, http: httpx.AsyncClient) -> None:
    async with desk.database.owner() as conn:
        await conn.execute(
            """UPDATE tenants SET overrides = '{"quotas": {"status_pages": 1, "public_components": 1}}'"""
        )
    page = await a_page(desk)
    first, second = await desk.monitor("One"), await desk.monitor("Two")
    assert "has room for 1 page" in (await http.get(HERE)).text
    refused = await post(http, NEW, page=NEW, title="Another")
    assert refused.status_code == 422
    assert "ask for a larger plan" in refused.text
    here = f"{HERE}/{page['id']}/components"
    many = await post(http, here, page=here, monitors=[str(first), str(second)])
    assert many.status_code == 422
    assert "take some off a page first" in many.text
    assert len(re.findall(r'name="monitors" value="[^"]+" checked', many.text)) == 2
    assert (await pages(desk))[0]["components"] == 0


async def test_nothing_is_there_for_whom_it_is_not(desk: Desk, http: httpx.AsyncClient) -> None:
    page = await a_page(desk)
    nobody = "01900000-0000-7000-8000-000000000000"
    for path in ("", "/components", "/incidents", "/preview", "/logo", "/delete"):
        assert (await http.get(f"{HERE}/{nobody}{path}")).status_code == 404, path
    for path in ("", "/state", "/delete", "/preview", "/components/heading", f"/components/{nobody}"):
        assert (await post(http, f"{HERE}/{nobody}{path}", page=NEW, old="a", new="b", to="draft")).status_code == 404
    for path in ("", "/move", "/remove"):
        gone = await post(http, f"{HERE}/{page['id']}/components/{nobody}{path}", page=NEW, way="up", name="x")
        assert gone.status_code == 404, path
    assert (await http.get(f"{HERE}/nonsense")).status_code == 404
