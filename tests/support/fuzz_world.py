"""A served control plane in which everything that a path can name is there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx

from control_plane.domain.pages.subscriber_rules import Target as Hook
from control_plane.domain.pages.subscription_link import subscription_token
from control_plane.services.fleet.write_operator_incidents import Change, Place, write_operator_incidents
from control_plane.services.jobs.run_job import JobContext, run_next_job
from control_plane.services.maintenance.advance_maintenance import advance_maintenance
from control_plane.services.pages.ask_subscriber import Asking, ask_subscriber
from control_plane.services.pages.keep_page_manage_key import write_page_key
from control_plane.services.tenants.issue_manage_key import write_manage_key
from control_plane.store.pool import Database
from tests.support.dashboard import Desk, a_desk
from tests.support.fuzzing import AnyOperation, Target
from tests.support.picture import PICTURE
from tests.support.seed import PEPPER, new_id
from tests.support.serving import OPERATOR_SECRET

WEBHOOK = {"type": "webhook", "url": "https://ops.example.com/farwatch"}
BODIES: dict[str, dict[str, Any]] = {
    "create_monitor": {"name": "API", "check": {"type": "http", "url": "https://example.com/health"}},
    "subscribe_to_public_page": {"type": "webhook", "url": "https://hooks.example.com/public"},
    "act_on_monitors": {"filter": {"tag": ["prod"]}, "action": {"type": "disable"}},
}
"""By operation, where the documented example is short on purpose, or names what is not there."""

PUSH = {
    "endpoint": "https://push.example.net/send/known",
    "keys": {
        "p256dh": "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM",
        "auth": "tBHItJI5svbpez7KI4CCXg",
    },
}
SHOWN = frozenset(
    {
        *("get_public_page", "list_public_components", "get_public_component_history", "list_public_incidents"),
        "subscribe_to_public_page",
        *("get_public_incident", "list_public_maintenance", "get_badge", "get_shared_monitor", "get_public_page_badge"),
        *("get_public_page_status", "get_public_page_atom", "get_public_page_rss", "get_public_page_calendar"),
    }
)
SCOPES = ["monitors:read"]
SILENCED = {"starts_at": "2100-01-01T00:00:00Z", "ends_at": "2100-01-02T00:00:00Z"}
WINDOW = {"title": "Upkeep", "all": True, "starts_at": "2100-01-01T00:00:00Z", "ends_at": "2100-01-01T01:00:00Z"}
GIVE_UP = "UPDATE deliveries SET state = 'dead'"
PROMISE = "UPDATE monitors SET sla_target = 99.9, sla_period_days = 30"


@asynccontextmanager
async def target_of(database: Database, operation: AnyOperation) -> AsyncIterator[Target]:
    """The operation served alone, with the credential of its door: a key of every scope, or the operator's secret."""
    async with a_desk(database) as desk:
        if operation.definition.raw["x-door"] == "operator":
            known = await _for_the_operator(desk, region=operation.definition.raw["operationId"] != "create_region")
            credential = OPERATOR_SECRET
        else:
            known = await _for_the_tenant(desk)
            if operation.definition.raw["tags"] in (["heartbeats"], ["pings"]):
                known = {**known, **await a_heartbeat(desk)}
            credential = desk.key
            if operation.definition.raw["operationId"] == "reopen_incident":
                await _resolve(desk, known["incident_id"])
            if operation.definition.raw["operationId"] == "end_maintenance":
                known = {**known, "maintenance_id": await a_window_under_way(desk)}
            if operation.definition.raw["operationId"] == "create_status_page_component":
                known = {**known, "page_id": await an_empty_page(desk)}
            if operation.definition.raw["operationId"] == "get_status_page_logo":
                await _give_logo(desk, known["page_id"])
            if operation.definition.raw["operationId"] == "get_job_result":
                known = {**known, "job_id": await a_job_that_made_something(desk)}
            if operation.definition.raw["operationId"].endswith("_public_subscription"):
                known = {**known, "token": await a_subscribers_token(desk, operation.definition.raw["operationId"])}
            if operation.definition.raw["operationId"] in SHOWN:
                known = {**known, **await _in_public(desk, known)}
        headers = {"Authorization": f"Bearer {credential}"}
        body = BODIES.get(operation.definition.raw["operationId"]) or _naming(known, operation)
        yield Target(url=desk.url, headers=headers, known=known, body=body)


async def _give_logo(desk: Desk, page_id: str) -> None:
    async with desk.served.tenant() as http:
        kept = await http.put(
            f"/api/v1/status-pages/{page_id}/logo", content=PICTURE, headers={"Content-Type": "image/png"}
        )
        assert kept.status_code == 200, kept.text


async def _in_public(desk: Desk, known: Mapping[str, str]) -> Mapping[str, str]:
    """A published page, and a link to the monitor: what the public may see, for operations that show it."""
    async with desk.served.tenant() as http:
        published = await http.patch(f"/api/v1/status-pages/{known['page_id']}", json={"state": "published"})
        assert published.status_code == 200, published.text
        share = await http.post(f"/api/v1/monitors/{known['monitor_id']}/shares", json={})
        assert share.status_code == 201, share.text
    return {"kind": "status", "token": share.json()["token"]}


def _naming(known: Mapping[str, str], operation: AnyOperation) -> dict[str, Any] | None:
    """A body that names what is there, for operations whose example cannot."""
    match operation.definition.raw["operationId"]:
        case "create_status_page_component":
            return {"monitor_id": known["monitor_id"]}
        case "reorder_status_page":
            return {"component_ids": [known["component_id"]]}
        case _:
            return None


async def _for_the_tenant(desk: Desk) -> Mapping[str, str]:
    """A monitor in an open incident, a notice that was given up, and a second key: revoking it locks nobody out."""
    async with desk.served.tenant() as http:
        channel = await _made(http, "/api/v1/channels", name="On call", config=WEBHOOK)
        monitor_id = await desk.monitor(alerts=[{"channel_id": channel["id"]}], tags=["prod"], group="Web")
        await desk.all_up(monitor_id)
        await desk.down(monitor_id, *desk.regions)
        key = await _made(http, "/api/v1/keys", label="Spare", scopes=SCOPES)
        known = {"monitor_id": str(monitor_id), "channel_id": channel["id"], "key_id": key["id"]}
        known["incident_id"] = await _first(http, "/api/v1/incidents")
        async with desk.database.app() as conn:
            await conn.execute(GIVE_UP)
            await conn.execute(PROMISE)
            known["month"] = await conn.fetchval("SELECT to_char(now(), 'YYYY-MM')")
        await _managed(desk, monitor_id)
        known["link_id"] = (await _made(http, "/api/v1/channels/telegram-link"))["id"]
        known["delegation_id"] = (await _made(http, "/api/v1/channels/delegate"))["id"]
        known["job_id"] = await _job(http)
        known["delivery_id"] = await _first(http, "/api/v1/deliveries")
        known["domain_id"] = (await _made(http, "/api/v1/domains", domain="example.org"))["id"]
        window = await _made(http, "/api/v1/maintenance", **WINDOW)
        route = await _made(http, "/api/v1/routes", name="Everything", channel_ids=[channel["id"]])
        silence = await _made(http, "/api/v1/silences", name="Later", **SILENCED)
        known |= {"route_id": route["id"], "silence_id": silence["id"]}
        known["subscription_id"] = (await _made(http, "/api/v1/push-subscriptions", **PUSH))["id"]
        known |= {"maintenance_id": window["id"], "region": min(desk.regions), "tag": "prod", "group": "Web"}
        known["agent_id"] = await _first(http, f"/api/v1/regions/{known['region']}/agents")
        page = await _made(http, "/api/v1/status-pages", slug="first-page", title="Acme")
        line = await _made(http, f"/api/v1/status-pages/{page['id']}/components", monitor_id=str(monitor_id))
        known |= {"page_id": page["id"], "component_id": line["id"], "slug": page["slug"]}
        await _page_managed(desk, UUID(page["id"]))
        known["subscriber_id"] = await _a_subscriber(desk, UUID(page["id"]))
        known["share_id"] = (await _made(http, f"/api/v1/monitors/{monitor_id}/shares"))["id"]
        known["feed_id"] = (await _made(http, "/api/v1/feeds", name="Chat"))["id"]
        known["whatsapp_link_id"] = (await _made(http, "/api/v1/channels/whatsapp-link"))["id"]
        known |= await _people(desk, http)
    return known


async def _a_subscriber(desk: Desk, page_id: UUID) -> str:
    """A webhook that has not answered yet."""
    hook = Hook(address="https://hooks.example.com/status", secret="whsec_" + "A" * 44)
    asking = Asking(kind="webhook", target=hook, component_ids=None, source="public", most=10)
    deps = desk.served.deps
    asked = await ask_subscriber(
        desk.database, asking, tenant_id=desk.served.home.tenant_id, page_id=page_id, sealer=deps.sealer, pepper=PEPPER
    )
    return str(asked.subscriber_id)


async def a_subscribers_token(desk: Desk, operation: str) -> str:
    """What the links to the one subscriber have: to confirm, or for everything else."""
    async with desk.database.app() as conn:
        row = await conn.fetchrow("SELECT tenant_id, id, nonce FROM page_subscribers")
    token = partial(subscription_token, tenant_id=row["tenant_id"], subscriber_id=row["id"], pepper=PEPPER)
    return token("confirm", nonce=row["nonce"]) if operation.startswith("confirm") else token("manage")


async def _job(http: httpx.AsyncClient) -> str:
    """A job that nobody has done yet."""
    body = {"monitors": [{"name": "Later", "check": "https://later.example.com/"}]}
    reply = await http.post("/api/v1/monitors/bulk", json=body, headers={"Prefer": "respond-async"})
    assert reply.status_code == 202, reply.text
    return str(reply.json()["id"])


async def _managed(desk: Desk, monitor_id: UUID) -> None:
    """A manage key of the monitor, as one has that was created without an account."""
    home = desk.served.home.tenant_id
    async with desk.database.tenant_transaction(home) as conn:
        await write_manage_key(conn, tenant_id=home, monitor_id=monitor_id, pepper=PEPPER)


async def _page_managed(desk: Desk, page_id: UUID) -> None:
    """The same of a status page."""
    home = desk.served.home.tenant_id
    async with desk.database.tenant_transaction(home) as conn:
        await write_page_key(conn, tenant_id=home, page_id=page_id, pepper=PEPPER)


async def an_empty_page(desk: Desk) -> str:
    """Only what is not on a page is put on it."""
    async with desk.served.tenant() as http:
        return str((await _made(http, "/api/v1/status-pages", slug="empty-page", title="Empty"))["id"])


async def a_job_that_made_something(desk: Desk) -> str:
    """A job that is over, with a report to fetch. Jobs that were ordered before are done, too."""
    async with desk.served.tenant() as http:
        month = datetime.now(UTC).strftime("%Y-%m")
        reply = await http.get(f"/api/v1/reports/{month}", headers={"Prefer": "respond-async"})
    assert reply.status_code == 202, reply.text
    deps = desk.served.deps
    context = JobContext(database=desk.database, sealer=deps.sealer, new_id=deps.new_id, ports="any")
    while await run_next_job(context):
        pass
    return str(reply.json()["id"])


async def _people(desk: Desk, http: httpx.AsyncClient) -> Mapping[str, str]:
    """A member who followed a link, another link that nobody followed, and a browser signed in with the key."""
    joined = await _made(http, "/api/v1/invitations", email="vera@example.com", role="viewer")
    async with desk.browser() as browser, desk.signed_in():
        accepted = await browser.post(urlsplit(joined["link"]).path, data={"name": "Vera"})
        assert accepted.status_code == 303, accepted.text
        open_ = await _made(http, "/api/v1/invitations", email="guest@example.com", role="viewer")
        return {
            "member_id": await _first(http, "/api/v1/members"),
            "invitation_id": str(open_["id"]),
            "session_id": await _first(http, "/api/v1/me/sessions"),
        }


async def all_of_the_tenant(desk: Desk) -> Mapping[str, str]:
    """Everything that a path of the tenant's door can name, a heartbeat's parts beside the http monitor's."""
    known = await _for_the_tenant(desk)
    return {**await a_heartbeat(desk), **known}


async def a_heartbeat(desk: Desk) -> Mapping[str, str]:
    """A heartbeat monitor that has been pinged, in the place of the http monitor."""
    check = {"type": "heartbeat", "period": 3600}
    async with desk.served.tenant() as http:
        made = await _made(http, "/api/v1/monitors", name="Backup", check=check)
        url = urlsplit(made["heartbeat"]["ping_url"]).path
        assert (await http.post(f"{url}/start", content=b"begun")).status_code == 200
    return {"monitor_id": made["id"], "ping_id": url.rpartition("/")[2], "number": "1", "exit_code": "3"}


async def _resolve(desk: Desk, incident_id: str) -> None:
    """Only what has ended is reopened."""
    async with desk.served.tenant() as http:
        reply = await http.post(f"/api/v1/incidents/{incident_id}/resolve")
    assert reply.status_code == 200, reply.text


async def a_window_under_way(desk: Desk) -> str:
    """Only what has begun is ended before its time."""
    now = datetime.now(UTC)
    instants = {"starts_at": now.isoformat(), "ends_at": (now + timedelta(days=1)).isoformat()}
    async with desk.served.tenant() as http:
        window = await _made(http, "/api/v1/maintenance", **{**WINDOW, **instants})
    await advance_maintenance(desk.database)
    return str(window["id"])


async def all_of_the_operator(desk: Desk) -> Mapping[str, str]:
    """Everything that a path of the operator's door can name; the documented examples' region is not there yet."""
    return await _for_the_operator(desk, region=False)


async def _for_the_operator(desk: Desk, *, region: bool) -> Mapping[str, str]:
    """Another tenant with a key, an agent in trouble, a channel and, on request, the documented examples' `region`."""
    async with desk.served.operator() as http:
        if region:
            await _made(http, "/operator/regions", id="eu-west", name="Europe, west")
        tenant = await _made(http, "/operator/tenants", name="Acme")
        await _made(http, "/operator/plans", name="spare", title="Spare")
        key = await _made(http, f"/operator/tenants/{tenant['id']}/keys", label="First", scopes=SCOPES)
        channel = await _made(http, "/operator/channels", name="Fleet", config=WEBHOOK)
        agent_id = await _first(http, "/operator/agents")
        rule = await _made(http, "/operator/deny-lists", kind="domain", value="denied.example.org", reason="Reported")
        opt_out = await _made(http, "/operator/opt-outs", domain="silent.example.org")
        news = await _made(http, "/operator/announcements", title="Upkeep")
        safety = {"announcement_id": news["id"], "rule_id": rule["id"], "opt_out_id": opt_out["id"]}
        await _in_trouble(desk.database, agent_id)
        known = {"tenant_id": tenant["id"], "key_id": key["id"], "agent_id": agent_id, "region": "eu"}
        known["plan"] = "spare"
        async with desk.served.tenant() as tenants:
            known["job_id"] = await _job(tenants)
        async with desk.database.app() as conn:
            await conn.execute(GIVE_UP)  # what was owed to the operator's own channel
        known["delivery_id"] = await _first(http, "/operator/deliveries")
        return known | safety | {"channel_id": channel["id"], "incident_id": await _first(http, "/operator/incidents")}


async def _in_trouble(database: Database, agent_id: str) -> None:
    offline = Change(
        id=new_id(),
        kind="agent_offline",
        subject=agent_id,
        severity="major",
        place=Place(agent_id=UUID(agent_id), agent="a1", region="eu", region_name="Europe"),
        cause="Agent a1 of region eu is offline.",
        reason="Nothing has been heard of it",
        details={},
    )
    async with database.app_transaction() as conn:
        await write_operator_incidents(conn, [offline], now=datetime.now(UTC))


async def _made(http: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    reply = await http.post(path, json=body)
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()
    return made


async def _first(http: httpx.AsyncClient, path: str) -> str:
    reply = await http.get(path)
    assert reply.status_code == 200, reply.text
    found: str = reply.json()["items"][0]["id"]
    return found
