"""What a region's grant means for checks: its policy, and the resolver that goes with it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from ipaddress import ip_network

from agent.checks.check import CheckContext
from agent.dialer import Dialer
from agent.dns.resolver import Resolver, Server, local_hosts, no_hosts, system_servers
from agent.health.probes import parse_server
from agent.link.server_clock import ServerClock
from agent.rdap.servers import CACHE, RdapServers
from agent.settings import AgentSettings
from agent.tls.contexts import TlsContexts
from shared.netpolicy import Policy, PortProfile
from shared.protocol import RegionGrant


def policy_of(allow_cidrs: Sequence[str], *, ports: PortProfile = "any") -> Policy:
    """Raises ValueError on what is no network."""
    return Policy(allow_cidrs=tuple(ip_network(cidr) for cidr in allow_cidrs), ports=ports)


def servers_of(settings: AgentSettings) -> Sequence[Server]:
    return [parse_server(text) for text in settings.resolvers] or system_servers()


def rdap_servers_of(settings: AgentSettings, clock: ServerClock) -> RdapServers:
    path = settings.directory / CACHE if settings.state_dir else None
    return RdapServers(url=settings.rdap_bootstrap, path=path, now_s=clock.now_s)


def resolver_for(policy: Policy, settings: AgentSettings, *, heard: dict[Server, float] | None = None) -> Resolver:
    """Local names count only where local addresses may be reached. `heard`: see Resolver."""
    hosts = local_hosts if policy.is_private else no_hosts
    return Resolver(servers=functools.partial(servers_of, settings), hosts=hosts, heard=heard)


def context_for(
    region: RegionGrant,
    settings: AgentSettings,
    *,
    tls: TlsContexts,
    clock: ServerClock,
    heard: dict[Server, float] | None = None,
) -> CheckContext:
    policy = policy_of(region.allow_cidrs, ports=region.ports)
    names = resolver_for(policy, settings, heard=heard)
    dialer = Dialer(policy=policy, names=names, source_address=settings.source_address, family=settings.ip)
    return CheckContext(dialer, tls, clock.now_s, rdap=rdap_servers_of(settings, clock), resolver=names)
