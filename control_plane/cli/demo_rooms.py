"""Furnishing the demo through the same doors as anybody: its configuration, its status page, its links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
from msgspec import Struct

from control_plane.cli import demo_cast
from control_plane.cli.demo_logo import logo
from control_plane.cli.demo_sites import Ports
from control_plane.errors import StartupRefused

VISITOR = "visitor@tern.example"
BANNER = {
    "title": "Demo.",
    "text": "Tern Ferries does not exist. What lies before the first start of this demo is invented; the rest is real.",
}
_JOBS = ("backup", "invoices", "seats")


class DemoLinks(Struct, frozen=True):
    """Where visitors go. `sign_in` counts once; `share` is empty where it was shown at an earlier start."""

    sign_in: str
    status_page: str
    share: str
    pings: Mapping[str, str]


async def furnish(client: httpx.AsyncClient, *, operator_secret: str, ports: Ports) -> DemoLinks:
    """Make what is missing, and point what is there at these ports. Raises StartupRefused with what was refused."""
    await _call(client, "POST", "/api/v1/apply", json=demo_cast.configuration(ports))
    monitors = await _by_key(client)
    page = await _page(client, monitors)
    pings = {key: await _ping_url(client, monitors[key]) for key in _JOBS}
    if page is None:
        known = (await _call(client, "GET", "/api/v1/status-pages"))["items"]
        return DemoLinks(await _invite(client), known[0]["url"], "made at the first start", pings)
    await _call(client, "PATCH", "/api/v1/tenant", json={"name": demo_cast.TENANT})
    secret = {"Authorization": f"Bearer {operator_secret}"}
    await _call(client, "POST", "/operator/announcements", json=BANNER, headers=secret)
    share = await _call(
        client, "POST", f"/api/v1/monitors/{monitors['booking-api']}/shares", json={"label": "For the travel agencies"}
    )
    await _call(client, "POST", "/api/v1/feeds", json={"name": "Chat of the crew"})
    await _call(client, "POST", "/api/v1/invitations", json={"email": "sam@tern.example", "role": "viewer"})
    return DemoLinks(await _invite(client), page["url"], share["link"], pings)


async def _by_key(client: httpx.AsyncClient) -> dict[str, str]:
    listed = await _call(client, "GET", "/api/v1/monitors", params={"limit": "100"})
    return {each["key"]: each["id"] for each in listed["items"] if each["key"]}


async def _page(client: httpx.AsyncClient, monitors: Mapping[str, str]) -> dict[str, Any] | None:
    """The status page, just made; None when there is one."""
    if (await _call(client, "GET", "/api/v1/status-pages"))["items"]:
        return None
    page = await _call(client, "POST", "/api/v1/status-pages", json=demo_cast.PAGE)
    at = f"/api/v1/status-pages/{page['id']}"
    for key, name, group, description in demo_cast.COMPONENTS:
        component = {"monitor_id": monitors[key], "name": name, "group": group, "description": description}
        await _call(client, "POST", f"{at}/components", json=component)
    await _call(client, "PUT", f"{at}/logo", content=logo(), headers={"Content-Type": "image/png"})
    return dict(page)


async def _ping_url(client: httpx.AsyncClient, monitor_id: str) -> str:
    url: str = (await _call(client, "GET", f"/api/v1/monitors/{monitor_id}"))["heartbeat"]["ping_url"]
    return url


async def _invite(client: httpx.AsyncClient) -> str:
    """A link under which the visitor comes in as an admin."""
    pending = await _call(client, "GET", "/api/v1/invitations", params={"limit": "100", "state": "pending"})
    earlier = [each["id"] for each in pending["items"] if each["email"] == VISITOR]
    if earlier:
        invited = await _call(client, "POST", f"/api/v1/invitations/{earlier[0]}/resend")
    else:
        invited = await _call(client, "POST", "/api/v1/invitations", json={"email": VISITOR, "role": "admin"})
    return str(invited["link"])


async def _call(client: httpx.AsyncClient, method: str, path: str, **more: Any) -> Any:
    response = await client.request(method, path, **more)
    if not response.is_success:
        raise StartupRefused(f"The demo could not be furnished: {method} {path}: {response.text}")
    return response.json()
