"""Puts the self-test together: what this agent asks before it calls a target down."""

from __future__ import annotations

import functools

from agent.dns.resolver import Server
from agent.health.lag import LagMeter
from agent.health.probes import ResolverProbes, canary_probes, route_probes, way_out_probe
from agent.health.self_test import RESOLVERS, SelfTest
from agent.region import policy_of, resolver_for, servers_of
from agent.settings import AgentSettings
from agent.tally import Tally


def make_self_test(settings: AgentSettings, *, lag: LagMeter, tally: Tally, heard: dict[Server, float]) -> SelfTest:
    """`heard`: the resolvers that have answered checks (see Resolver)."""
    resolver = resolver_for(policy_of(()), settings)
    return SelfTest(
        groups={
            RESOLVERS: ResolverProbes(functools.partial(servers_of, settings), heard),
            "route": route_probes(),
            "canary": canary_probes(settings.canaries, resolver),
            "control plane or target": [way_out_probe(settings.url, heard_at=lambda: tally.succeeded_at)],
        },
        lag=lag,
    )
