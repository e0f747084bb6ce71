"""What every control-plane process does by itself. A job only calls a service."""

from __future__ import annotations

import random
import time
from datetime import timedelta
from functools import partial
from importlib.metadata import version

from control_plane.jobs.loop import Job
from control_plane.notify import installation_bot, transports
from control_plane.services.alerting.compose_message import links_of
from control_plane.services.alerting.deliver_notifications import Deliverer
from control_plane.services.alerting.fan_out_events import fan_out_events
from control_plane.services.alerting.remind_of_incidents import remind_of_incidents
from control_plane.services.alerting.send_system_mails import send_system_mails
from control_plane.services.fleet.watch_fleet import watch_fleet
from control_plane.services.installation.database_clock import DatabaseClock
from control_plane.services.installation.forget_old_rows import forget_old_rows
from control_plane.services.installation.make_partitions import make_partitions
from control_plane.services.installation.measure_installation import measure_installation
from control_plane.services.jobs.run_job import JobContext, run_next_job
from control_plane.services.judging.judge_due import judge_due, judge_followers
from control_plane.services.judging.sweep_verdicts import sweep_verdicts
from control_plane.services.maintenance.advance_maintenance import advance_maintenance, sweep_maintenance
from control_plane.services.pages.tell_subscribers import Teller
from control_plane.services.pages.watch_pages import watch_pages
from control_plane.services.safety.apply_rules import apply_rules
from control_plane.services.safety.reseal import reseal_when_turned
from control_plane.services.safety.verify_domain import DomainVerifier, recheck_domains
from control_plane.services.safety.watch_scans import watch_scans
from control_plane.services.tenants.watch_tenants import watch_tenants
from control_plane.services.uptime.roll_up import roll_up
from control_plane.web.call import Deps
from control_plane.web.hub import DELIVERIES, EVENTS, JUDGE
from control_plane.web.hub import JOBS as JOBS_TOPIC

JUDGE_EVERY_S = 1.0
JOBS_EVERY_S = 5.0
EVENTS_EVERY_S = 5.0


async def deliver(deps: Deps) -> None:
    """Empty the outbox, woken by hints, until the process stops."""
    topic = f"{DELIVERIES}:"
    deliverer = Deliverer(
        deps.database,
        sealer=deps.sealer,
        transports=transports(deps.settings),
        settings=deps.settings.delivery,
        nudge=partial(deps.hub.publish, topic),
        links=links_of(deps.settings),
    )
    with deps.hub.subscribe(topic) as hints:

        async def wake(timeout: float) -> bool:
            await hints.get(timeout)
            return not hints.closed

        if not hints.closed:
            await deliverer.run(wake)


async def mail(deps: Deps) -> None:
    """What the installation itself writes to people."""
    await send_system_mails(deps.database, settings=deps.settings, sealer=deps.sealer, jitter=random.random)


async def watch_status_pages(deps: Deps) -> None:
    """What is news on status pages is owed to their subscribers."""
    await watch_pages(deps.database)


async def tell_subscribers(deps: Deps) -> None:
    teller = Teller(
        deps.database,
        settings=deps.settings,
        sealer=deps.sealer,
        transports=transports(deps.settings),
        jitter=random.random,
    )
    await teller.tell()


async def share_limits(deps: Deps) -> None:
    """Be counted among the processes that serve, and take that part of every rate limit."""
    deps.limits.share(await deps.processes.mark(deps.database))


async def sweep(deps: Deps) -> None:
    await sweep_verdicts(deps.database)


async def judge(deps: Deps) -> None:
    """Judge what is due each second, and what rests on other verdicts when some have changed."""
    topic = f"{JUDGE}:"
    with deps.hub.subscribe(topic) as hints:
        while not hints.closed:
            hinted = await hints.get(JUDGE_EVERY_S) is not None
            await judge_due(deps.database)
            if hinted:
                await judge_followers(deps.database)


async def work(deps: Deps) -> None:
    """Do what tenants ordered, woken by hints, until the process stops."""
    context = JobContext(
        database=deps.database,
        sealer=deps.sealer,
        new_id=deps.new_id,
        ports=deps.settings.security.tcp_ports,
        now=deps.now,
        transports=transports(deps.settings),
    )
    with deps.hub.subscribe(f"{JOBS_TOPIC}:") as hints:
        while not hints.closed:
            while not hints.closed and await run_next_job(context):
                pass
            await hints.get(JOBS_EVERY_S)


async def maintain(deps: Deps) -> None:
    await advance_maintenance(deps.database)


async def cover(deps: Deps) -> None:
    await sweep_maintenance(deps.database)


async def watch(deps: Deps) -> None:
    await watch_fleet(deps.database, release=version("farwatch"))


async def apply(deps: Deps) -> None:
    """What the operator's rules block leaves its agents."""
    await apply_rules(deps.database)


async def hold_to_proofs(deps: Deps) -> None:
    await apply_rules(deps.database, again=True)


async def watch_ports(deps: Deps) -> None:
    await watch_scans(deps.database)


async def watch_plans(deps: Deps) -> None:
    await watch_tenants(deps.database)


async def recheck(deps: Deps) -> None:
    await recheck_domains(deps.database, DomainVerifier.of(deps.settings), now=deps.now())


async def turn_keys(deps: Deps) -> None:
    await reseal_when_turned(deps.database, deps.sealer)


async def tell_events(deps: Deps) -> None:
    """Tell subscribers of events, woken by hints, until the process stops."""
    with deps.hub.subscribe(f"{EVENTS}:") as hints:
        while not hints.closed:
            await fan_out_events(deps.database)
            await hints.get(EVENTS_EVERY_S)


async def remind(deps: Deps) -> None:
    await remind_of_incidents(deps.database)


async def measure(deps: Deps) -> None:
    await measure_installation(deps.database)


async def measure_clock(deps: Deps) -> None:
    if isinstance(deps.now, DatabaseClock):
        await deps.now.measure(deps.database)


async def mark_door(deps: Deps) -> None:
    await deps.ping_door.mark(deps.database, deps.pings)


async def roll(deps: Deps) -> None:
    await roll_up(deps.database)


async def prepare_partitions(deps: Deps) -> None:
    await make_partitions(deps.database, now=deps.now())


async def register_webhook(deps: Deps) -> None:
    await deps.telegram_webhook.register(installation_bot(deps.settings), deps.settings, now=time.monotonic())


async def forget(deps: Deps) -> None:
    await forget_old_rows(deps.database, settings=deps.settings.retention, now=deps.now())


JOBS: tuple[Job, ...] = (
    Job("deliver", timedelta(seconds=1), deliver),
    Job("system_mails", timedelta(seconds=2), mail),
    Job("page_news", timedelta(seconds=2), watch_status_pages),
    Job("tell_subscribers", timedelta(seconds=2), tell_subscribers),
    Job("processes", timedelta(seconds=5), share_limits),
    Job("sweep_verdicts", timedelta(seconds=15), sweep),
    Job("judge_due", timedelta(seconds=1), judge),
    Job("work", timedelta(seconds=1), work),
    Job("ping_door", timedelta(seconds=1), mark_door),
    Job("maintenance", timedelta(seconds=1), maintain),
    Job("sweep_maintenance", timedelta(seconds=10), cover),
    Job("apply_rules", timedelta(seconds=2), apply),
    Job("hold_to_proofs", timedelta(minutes=1), hold_to_proofs),
    Job("reseal", timedelta(minutes=10), turn_keys),
    Job("watch_ports", timedelta(seconds=30), watch_ports),
    Job("watch_tenants", timedelta(seconds=30), watch_plans),
    Job("recheck_domains", timedelta(minutes=5), recheck),
    Job("watch_fleet", timedelta(seconds=10), watch),
    Job("clock", timedelta(seconds=30), measure_clock),
    Job("measure", timedelta(seconds=30), measure),
    Job("events", timedelta(seconds=1), tell_events),
    Job("remind", timedelta(seconds=3), remind),
    Job("roll_up", timedelta(seconds=30), roll),
    Job("telegram_webhook", timedelta(seconds=10), register_webhook),
    Job("partitions", timedelta(hours=1), prepare_partitions),
    Job("retention", timedelta(hours=1), forget),
)
