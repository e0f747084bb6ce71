"""Running the http check against targets on loopback, as an agent of a private region would."""

from __future__ import annotations

import ssl
import time
from ipaddress import ip_network
from typing import Any

import trustme

from agent.checks import CHECKS
from agent.checks.check import CheckContext, CheckOutcome
from agent.dialer import Dialer
from agent.dns.resolver import Resolver, Server, local_hosts, no_hosts
from agent.tls.contexts import TlsContexts
from shared.checks.http import HttpCheck
from shared.netpolicy import SHARED, Policy

LOOPBACK = Policy(allow_cidrs=(ip_network("127.0.0.0/8"), ip_network("::1/128")))


def context(policy: Policy = LOOPBACK, *, dns: Server | None = None, ca_file: str | None = None) -> CheckContext:
    hosts = no_hosts if policy == SHARED else local_hosts
    names = Resolver(servers=lambda: [dns] if dns else [], hosts=hosts)
    return CheckContext(Dialer(policy=policy, names=names), TlsContexts(ca_file=ca_file), time.time, resolver=names)


async def probe(url: str, *, using: CheckContext | None = None, **options: Any) -> CheckOutcome:
    return await CHECKS["http"].run(HttpCheck(url=url, **{"timeout": 3000, **options}), using or context())


def server_tls(certificate: trustme.LeafCert) -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(tls)
    return tls
