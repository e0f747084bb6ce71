"""Every operation of the tenant's door is reached by a command, or there is a reason why not."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from control_plane.app import all_routes
from control_plane.web.routes import Door
from tests.support.commands import CLOSED, Shop, operations_asked
from tests.support.fuzz_world import PUSH

ELSEWHERE = {
    "stream_events": "follows until Ctrl-C: `farwatch tail`, tests/unit/cli/test_tail.py",
    "stream_monitor_events": "as above, `farwatch tail --monitor`",
    "stream_job": "`farwatch jobs wait` and `import` follow it: tests/integration/bulk/test_bulk_commands.py",
    "get_manage_key": "of a monitor that was made without an account: tests/integration/anonymous",
    "rotate_manage_key": "as above",
    "delete_manage_key": "as above",
    "get_page_manage_key": "of a page that was made without an account: tests/integration/zero_signup",
    "rotate_page_manage_key": "as above",
    "delete_page_manage_key": "as above",
    "create_monitors": "a program's list; people send a file: `farwatch import`",
}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
HEARTBEAT = '{"type": "heartbeat", "period": 3600}'
WALK = f"""
0 me
0 me sessions
0 meta
0 tenant show
0 tenant usage
0 tenant rename Acme
0 audit
0 audit ls --kind monitor
0 audit --limit 5
0 metrics
0 sd
0 report
0 export
0 regions ls
0 regions show {{region}}
0 regions add office --name Office
0 regions edit office --city Leeds
0 regions agents {{region}}
0 regions add-agent office desk-1 -o name
0 regions show-agent {{region}} {{agent_id}}
0 regions edit-agent {{region}} {{agent_id}} --name renamed
0 regions rotate-agent {{region}} {{agent_id}}
0 monitors add https://example.com/health --name Second --wait 0
0 monitors add https://example.com/third --name Third --wait 0
0 monitors ls
0 monitors show Second
0 monitors edit Second --interval 120 --tag shop --patch {{{{"owner":"web"}}}}
0 monitors pause Second
0 monitors resume Second
0 monitors clone Second --name Copy
0 monitors disable --filter tag=shop --dry-run
0 monitors results {{monitor_id}} --limit 5
0 monitors latency {{monitor_id}}
0 monitors latency-over-time {{monitor_id}}
0 monitors uptime {{monitor_id}}
0 monitors days {{monitor_id}} --days 3
0 monitors sla {{monitor_id}}
0 monitors votes {{monitor_id}}
0 monitors verdict {{monitor_id}}
0 monitors transitions {{monitor_id}}
0 monitors incidents {{monitor_id}}
0 monitors deliveries {{monitor_id}}
0 monitors dependents {{monitor_id}}
0 monitors dependencies Third --set Second
0 monitors dependencies Third
0 monitors regions Third
0 monitors regions Third --set eu --set us
0 monitors regions Third --drop us
0 monitors export Second
5 monitors check-now Second
5 monitors test https://example.com/health
0 monitors rm Copy
0 tags ls
0 tags show prod
0 tags rename prod live
0 tags rm live
0 groups ls
0 groups show Web
0 groups rename Web Shop
0 groups rm Shop
0 incidents list
1 incidents show {{incident_id}}
0 incidents stats
0 incidents notes {{incident_id}}
0 incidents updates {{incident_id}}
0 incidents deliveries {{incident_id}}
0 incidents ack {{incident_id}}
0 incidents note {{incident_id}} Seen
0 incidents update {{incident_id}} Fixing --phase identified
0 incidents edit {{incident_id}} --public-title Slow
0 incidents resolve {{incident_id}}
0 incidents declare Checkout
0 maintenance create Weekly --all --cron 0_2_*_*_SUN --duration 3600
0 maintenance list
0 maintenance upcoming
0 maintenance show {{maintenance_id}}
0 maintenance edit {{maintenance_id}} --title Longer
1 maintenance end {{maintenance_id}}
0 maintenance delete {{maintenance_id}}
0 channels ls
0 channels add Hook --type webhook --set url={CLOSED}
0 channels show Hook
0 monitors edit Second --escalate 15m=Hook --escalate 1h=Hook
0 monitors edit Second --no-escalation
0 monitors add https://example.com/fourth --name Fourth --wait 0 --escalate 300s=Hook
0 channels edit Hook --disable
0 channels rotate-secret Hook
1 channels test Hook
1 channels resend-verification Hook
1 channels test --type webhook --set url={CLOSED}
0 routes ls
0 routes add Pager --channel Hook --severity critical --tag prod
0 routes show Pager
0 routes edit Pager --disable
0 routes preview --severity critical --tag prod
0 routes rm Pager
0 silences ls
0 silences add Upgrade --for 2h --tag prod
0 silences show Upgrade
0 silences edit Upgrade --for 3h
0 silences rm Upgrade
0 channels link-telegram --name Chat
0 channels link-telegram --watch {{link_id}}
0 channels delegate --kind webhook
0 channels delegations
0 channels undelegate {{delegation_id}}
0 channels rm Hook
0 channels whatsapp-link --name Ana
0 channels whatsapp-link {{whatsapp_link_id}}
0 push ls
0 push key
0 push add {{browser}} --name Phone --bound-only
0 push show {{subscription_id}}
1 push test {{subscription_id}}
0 push rm {{subscription_id}}
0 pages ls
0 pages add shop --title Shop --accent #1d5fd1 --publish
0 pages show shop
0 pages edit shop --title Store --unlisted
0 pages components first-page
0 pages component first-page {{component_id}}
3 badges {{monitor_id}}
3 badges {{monitor_id}} --save {{picture}}
0 pages add-component shop {{monitor_id}} --name Checkout --group Web
0 pages edit-component shop Checkout --name Paying
0 pages order shop Paying
0 pages logo shop {{picture}}
0 pages logo shop --save {{picture}}
0 pages logo shop --remove
0 pages subscribers ls first-page
1 pages subscribers add shop reader@example.com --note Asked
0 pages subscribers show first-page {{subscriber_id}}
0 pages subscribers counts first-page
0 pages subscribers export first-page
0 pages subscribers rm first-page {{subscriber_id}}
0 pages rm-component shop Paying
0 pages rm shop
0 shares add {{monitor_id}} --label Agency --for 7d
0 shares ls {{monitor_id}}
0 shares rm {{monitor_id}} {{share_id}}
0 feeds add Team
0 feeds ls
0 feeds show Team
0 feeds rotate Team
0 feeds rm Team
0 overview
0 overview --latency {{monitor_id}}
0 deliveries ls
0 deliveries show {{delivery_id}}
0 deliveries replay {{delivery_id}}
0 keys ls
0 keys show Spare
0 keys add Deploy --scope monitors:read
0 keys rotate Deploy
0 keys rm Spare
0 members list
0 members show {{member_id}}
0 members role {{member_id}} member
0 members remove {{member_id}}
0 invitations list
0 invitations show {{invitation_id}}
0 invitations create zoe@example.com
0 invitations resend {{invitation_id}}
0 invitations revoke {{invitation_id}}
0 domains ls
0 domains show {{domain_id}}
0 domains add example.net
1 domains verify {{domain_id}}
0 domains rm {{domain_id}}
0 jobs ls
0 jobs show {{job_id}}
1 jobs result {{job_id}}
0 jobs cancel {{job_id}}
0 me end-session {{session_id}}
0 me end-session --all
0 regions rm-agent office {{office_agent}}
0 regions rm office
"""
"""The exit status that is expected, and the command; _ stands for a blank inside a word."""


async def test_every_operation_of_a_tenant_is_reached_by_a_command(shop: Shop, tmp_path: Path) -> None:
    before = operations_asked()
    browser = tmp_path / "browser.json"
    browser.write_text(json.dumps(PUSH | {"endpoint": "https://push.example.net/send/another"}))
    picture = tmp_path / "logo.png"
    picture.write_bytes(base64.b64decode(PIXEL))
    known = {**shop.known, "browser": str(browser), "picture": str(picture)}
    wrong = []
    for line in WALK.strip().splitlines():
        status, *words = line.format_map({**known, "office_agent": known.get("office_agent", "?")}).split()
        words = [word.replace("_", " ") if word.startswith("0_") else word for word in words]
        ran = await shop.run(*words)
        if ran.status != int(status):
            wrong.append(f"{' '.join(words)}: {ran.status} {ran.err or ran.out}")
        if words[:2] == ["regions", "add-agent"]:
            known["office_agent"] = ran.out.strip()
    assert wrong == []
    await heartbeats(shop)
    await badges(shop, tmp_path / "badge.svg")
    assert (tmp_path / "badge.svg").read_bytes().startswith(b"<svg")
    await files(shop, tmp_path)
    assert not_asked_since(before) == set(ELSEWHERE)


def not_asked_since(before: dict[str, float]) -> set[str]:
    now = operations_asked()
    ours = {route.operation for route in all_routes() if route.door is Door.TENANT}
    return {name for name in ours if now.get(name, 0) == before.get(name, 0)}


async def heartbeats(shop: Shop) -> None:
    made = await shop.run("monitors", "add", HEARTBEAT, "--name", "Nightly", "--wait", "0")
    assert made.status == 0, made.err
    url = (await shop.run("heartbeats", "ping-url", "Nightly")).out.strip()
    assert "/ping/" in url
    rotated = await shop.run("heartbeats", "rotate", "Nightly", "-o", "json")
    assert json.loads(rotated.out)["ping_url"] != url
    for verb in ("ls", "show Nightly", "pings Nightly", "runs Nightly"):
        assert (await shop.run("heartbeats", *verb.split())).status == 0, verb
    assert (await shop.run("heartbeats", "ping-body", "Nightly", "1")).status == 3
    assert (await shop.run("incidents", "reopen", shop.known["incident_id"])).status == 0


async def badges(shop: Shop, picture: Path) -> None:
    made = await shop.run("monitors", "add", "https://example.com/shown", "--name", "Shown", "--wait", "0")
    assert made.status == 0, made.err
    link = (await shop.run("shares", "add", "Shown", "-o", "json")).out
    token = json.loads(link)["token"]
    chosen = ("--kind", "uptime", "--period", "7d", "--style", "plastic", "--token", f"https://a.example/m/{token}")
    url = (await shop.run("badges", "Shown", *chosen, "--format", "url")).out.strip()
    assert url.endswith(f"/badge/uptime?period=7d&style=plastic&token={token}")
    markdown = (await shop.run("badges", "Shown", *chosen)).out.strip()
    assert markdown == f"[![Shown: uptime]({url})]({url.partition('/api/')[0]}/m/{token})"
    assert (await shop.run("badges", "Shown", *chosen, "--save", str(picture))).status == 0
    assert (await shop.run("pages", "add", "open-to-all", "--title", "Open", "--publish")).status == 0
    assert (await shop.run("pages", "add-component", "open-to-all", "Shown", "--name", "Site")).status == 0
    html = (await shop.run("badges", "Shown", "--format", "html")).out
    assert '/status/open-to-all"' in html
    assert 'alt="Site: status"' in html


async def files(shop: Shop, directory: Path) -> None:
    file = directory / "farwatch.yaml"
    file.write_text("version: 1\nmonitors: [{key: api, name: From a file, check: https://example.com/api}]\n")
    assert (await shop.run("plan", str(file))).status == 6
    assert (await shop.run("apply", str(file), "--yes")).status == 0
    assert (await shop.run("plan", str(file))).status == 0
    atomic = directory / "monitors.yaml"
    atomic.write_text("monitors: []\n")
    assert (await shop.run("import", str(atomic))).status == 1
