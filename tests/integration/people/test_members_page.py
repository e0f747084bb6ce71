"""The page of members and that of one's own sessions, with their forms."""

from __future__ import annotations

import re

from tests.support.dashboard import post
from tests.support.people import Browser, House

PAGE = "/app/members"


async def test_an_owner_invites_changes_and_removes_from_the_page(house: House, owner: Browser) -> None:
    made = await post(owner.http, PAGE, page=PAGE, email="ana@example.com", role="viewer")
    found = re.search(r"<code>http://[^/]+(/invite/[A-Za-z0-9_-]+)</code>", made.text)
    assert found is not None
    assert found[1] not in (await owner.http.get(PAGE)).text, "shown this once"
    async with house.browser() as ana:
        assert (await ana.http.post(found[1], data={"name": "Ana <b>"})).status_code == 303
        assert (await ana.http.get(PAGE)).status_code == 403
        member = (await ana.me())["member"]["id"]
    page = (await owner.http.get(PAGE)).text
    assert "Ana &lt;b&gt;" in page
    assert (await post(owner.http, f"{PAGE}/{member}/role", page=PAGE, role="admin")).status_code == 303
    assert (await owner.api("GET", f"/members/{member}")).json()["role"] == "admin"
    assert (await post(owner.http, f"{PAGE}/{member}/remove", page=PAGE)).status_code == 303
    assert "Ana" not in (await owner.http.get(PAGE)).text


async def test_what_is_refused_is_said_on_the_page(owner: Browser) -> None:
    me = (await owner.me())["member"]["id"]
    for path, fields, words in (
        (PAGE, {"email": "nobody", "role": "viewer"}, "e-mail address"),
        (PAGE, {"email": "x@example.com", "role": "king"}, "one of the roles"),
        (f"{PAGE}/{me}/role", {"role": "viewer"}, "last owner"),
        (f"{PAGE}/{me}/remove", {}, "last owner"),
    ):
        reply = await post(owner.http, path, page=PAGE, **fields)
        assert (reply.status_code in (400, 409), words in reply.text) == (True, True), path


async def test_invitations_are_renewed_and_taken_back_from_the_page(owner: Browser) -> None:
    await owner.invite("bob@example.com")
    invitation = (await owner.api("GET", "/invitations")).json()["items"][0]["id"]
    renewed = await post(owner.http, f"/app/invitations/{invitation}/resend", page=PAGE)
    assert (renewed.status_code, "/invite/" in renewed.text) == (200, True)
    assert (await post(owner.http, f"/app/invitations/{invitation}/revoke", page=PAGE)).status_code == 303
    assert "bob@example.com" not in (await owner.http.get(PAGE)).text


async def test_sessions_are_seen_and_ended_from_the_page(house: House, owner: Browser) -> None:
    page = (await owner.http.get("/app/sessions")).text
    assert "this one" in page
    reply = await post(owner.http, "/app/sessions/end", page="/app/sessions")
    assert reply.status_code == 303
    assert (await owner.http.get("/app/sessions")).headers["Location"].startswith("/?")
