"""The graph of dependencies: the drawing, its list, and the filters in its address."""

from __future__ import annotations

from uuid import UUID

import httpx

from tests.support.dashboard import Desk

HERE = "/app/dependencies"


async def world(desk: Desk) -> dict[str, str]:
    """Two chains: shop on database, mail on relay; and one on its own."""
    database = str(await desk.monitor("Database", group="Core", tags=["eu"]))
    shop = str(await desk.monitor("Shop <b>", depends_on=[database], group="Store"))
    relay = str(await desk.monitor("Relay"))
    mail = str(await desk.monitor("Mail", depends_on=[relay], tags=["post"]))
    alone = str(await desk.monitor("Alone"))
    return {"database": database, "shop": shop, "relay": relay, "mail": mail, "alone": alone}


async def test_the_drawing_and_the_list_say_the_same(desk: Desk, http: httpx.AsyncClient) -> None:
    made = await world(desk)
    text = (await http.get(HERE)).text
    drawing, _, listed = text.partition("As a list")
    for name in ("database", "shop", "relay", "mail"):
        assert f"/app/monitors/{made[name]}" in drawing
        assert f"/app/monitors/{made[name]}" in listed
    assert made["alone"] not in text
    assert "Shop &lt;b&gt;" in text
    assert drawing.count('class="edge"') == 2


async def test_what_is_down_holds_what_hangs_on_it(desk: Desk, http: httpx.AsyncClient) -> None:
    made = await world(desk)
    await desk.down(UUID(made["database"]), *desk.regions)
    text = (await http.get(HERE)).text
    assert 'class="edge bad"' in text
    assert 'class="node n-down"' in text


async def test_a_filter_shows_a_chain_from_end_to_end(desk: Desk, http: httpx.AsyncClient) -> None:
    made = await world(desk)
    for query in ({"group": "Store"}, {"tag": "eu"}, {"monitor": made["shop"]}):
        text = (await http.get(HERE, params=query)).text
        assert made["shop"] in text
        assert made["database"] in text
        assert made["mail"] not in text
    nothing = await http.get(HERE, params={"group": "nowhere"})
    assert "No monitor that depends on another fits" in nothing.text
    assert (await http.get(HERE, params={"monitor": "x'<"})).status_code == 200


async def test_without_dependencies_the_page_teaches_what_they_are_for(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor = await desk.monitor("Alone")
    assert "No monitor depends on another yet" in (await http.get(HERE)).text
    assert f"{HERE}?monitor={monitor}" in (await http.get(f"/app/monitors/{monitor}")).text
