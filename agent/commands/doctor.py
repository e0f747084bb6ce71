"""`farwatch-agent doctor`: is everything there that the agent needs, and if not, what to do."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import stat
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec

import msgspec

from agent.commands.doctor_route import examine_control_plane
from agent.commands.findings import Finding, fail, ok, warn
from agent.health.capabilities import has_route, may_ping
from agent.health.probes import canary_probes, resolver_probe
from agent.health.self_test import Probe
from agent.region import policy_of, resolver_for, servers_of
from agent.settings import JOINED, AgentSettings
from agent.versions import agent_version

_ENOUGH_DISK = 500_000_000
_PYTHON = (3, 11)
_ICMP_REMEDY = (
    "give the process CAP_NET_RAW (the systemd unit does), or let its group use ICMP sockets: "
    "sysctl -w net.ipv4.ping_group_range='0 2147483647'; until then `ping` checks are shown incapable"
)


async def examine(settings: AgentSettings) -> list[Finding]:
    findings = [_examine_version(), *_examine_disk(settings), *_examine_permissions(settings)]
    findings += [*_examine_routes(settings), *_examine_icmp(settings)]
    resolver = resolver_for(policy_of(()), settings)
    resolvers = [_examine_probe("dns", probe) for probe in map(resolver_probe, servers_of(settings))]
    canaries = [_examine_probe("canary", probe) for probe in canary_probes(settings.canaries, resolver)]
    findings += await asyncio.gather(*resolvers, *canaries)
    if not resolvers:
        findings.append(
            fail("dns", "no resolver is known", "name one in /etc/resolv.conf or FARWATCH_AGENT__RESOLVERS")
        )
    if not settings.canaries:
        findings.append(warn("canary", "none is set", "name some that you trust: FARWATCH_AGENT__CANARIES=host:port,…"))
    return findings + await examine_control_plane(settings)


def render(findings: list[Finding], *, as_json: bool) -> str:
    if as_json:
        lines = [{**msgspec.structs.asdict(finding), "status": finding.status} for finding in findings]
        return msgspec.json.encode({"findings": lines}).decode()
    marks = {"ok": "ok", "warning": "warn", "failed": "FAIL"}
    return "\n".join(_line(marks[finding.status], finding) for finding in findings)


def _line(mark: str, finding: Finding) -> str:
    remedy = f"; {finding.remedy}" if finding.remedy else ""
    return f"{mark:4}  {finding.subject:14} {finding.text}{remedy}"


def _examine_version() -> Finding:
    loop = "uvloop" if find_spec("uvloop") else "asyncio"
    text = f"farwatch {agent_version()} on Python {platform.python_version()}, event loop {loop}"
    if tuple(map(int, platform.python_version_tuple()[:2])) < _PYTHON:
        return fail("version", text, "Python 3.11 or newer is needed")
    if loop == "asyncio":
        return warn("version", text, "install uvloop: checks then cost about half")
    return ok("version", text)


def _examine_disk(settings: AgentSettings) -> Iterator[Finding]:
    try:
        settings.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=settings.directory) as file:
            os.write(file.fileno(), b"x")
        free = shutil.disk_usage(settings.directory).free
    except OSError as error:
        yield fail("disk", f"{settings.state_dir} cannot be written: {error.strerror}", "use --state-dir")
        return
    text = f"{settings.state_dir}, {free // 1_000_000} MB free"
    if free < _ENOUGH_DISK:
        yield warn("disk", text, f"up to {settings.spool_bytes // 1_000_000} MB of unsent results have to fit")
    else:
        yield ok("disk", text)


def _examine_permissions(settings: AgentSettings) -> Iterator[Finding]:
    """The key is nobody else's business."""
    path = settings.directory / JOINED
    try:
        found = path.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        yield fail("permissions", f"{path}: {error.strerror}", "run this as the agent's user")
        return
    mode = stat.S_IMODE(found.st_mode)
    if not os.access(path, os.R_OK):
        yield fail("permissions", f"{path} cannot be read by this user", "run this as the agent's user, or join again")
    elif mode & 0o077:
        yield warn("permissions", f"{path} can be read by others (mode {mode:o})", f"chmod 600 {path}")
    else:
        yield ok("permissions", f"{path} is readable by its owner alone")


def _examine_routes(settings: AgentSettings) -> Iterator[Finding]:
    versions = [version for version in (4, 6) if settings.ip in ("any", str(version))]
    routes = {version: has_route(version) for version in versions}
    for version, is_there in routes.items():
        if is_there:
            yield ok("egress", f"there is a route for IPv{version}")
        elif any(routes.values()):
            text = f"there is no route for IPv{version}: checks of IPv{version}-only targets are shown incapable"
            yield warn("egress", text, f"set up IPv{version}, or say FARWATCH_AGENT__IP={10 - version} to mean it so")
        else:
            yield warn("egress", f"there is no route for public IPv{version} addresses", "check this machine's network")


def _examine_icmp(settings: AgentSettings) -> Iterator[Finding]:
    versions = [version for version in (4, 6) if settings.ip in ("any", str(version))]
    able = [version for version in versions if may_ping(version)]
    if able:
        yield ok("icmp", f"can be sent over {' and '.join(f'IPv{version}' for version in able)}")
    else:
        yield warn("icmp", "this process may not send ICMP", _ICMP_REMEDY)


async def _examine_probe(subject: str, probe: Probe) -> Finding:
    """Without a first success it does not count, so its silence is a warning and nothing more."""
    await probe.run()
    if probe.trouble is None:
        return ok(subject, f"{probe.name} answers")
    text = f"{probe.name} does not answer ({probe.trouble}); it is left out of self-tests until it does"
    return warn(subject, text, "check firewalls, or take it off the list")
