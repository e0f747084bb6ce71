"""Speaking to the outside: one file per kind of channel. TRANSPORTS is the list of kinds there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import lru_cache
from ipaddress import ip_network
from typing import Any

from control_plane.notify.guarded_http import GuardedHttp
from control_plane.notify.ntfy import NtfyTransport
from control_plane.notify.transport import Transport
from control_plane.notify.webhook import WebhookTransport
from control_plane.settings import DeliverySettings
from shared.netpolicy import Policy

TRANSPORTS: Mapping[str, Callable[[GuardedHttp], Transport[Any]]] = {
    "ntfy": NtfyTransport,
    "webhook": WebhookTransport,
}


@lru_cache(maxsize=8)
def transports(settings: DeliverySettings) -> Mapping[str, Transport[Any]]:
    """A transport of each kind. Kept per settings: making one reads the system's certificates, which takes 20 ms."""
    policy = Policy(allow_cidrs=tuple(ip_network(cidr) for cidr in settings.allow_cidrs))
    http = GuardedHttp(policy, timeout=timedelta(seconds=settings.timeout_s))
    return {kind: make(http) for kind, make in TRANSPORTS.items()}
