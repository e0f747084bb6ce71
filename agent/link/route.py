"""The agent's own way to the control plane: through a proxy if there is one, trusting a custom authority if told so.

Checks never go this way: they come from this machine's own network, or they would say nothing about it.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from agent.tls.authorities import context_with_authorities
from shared.settings import SettingsError

NONE = "none"
"""As the setting: no proxy, whatever the environment says."""

_SCHEMES = ("http", "https")


def proxy_for(url: str, setting: str, environment: Mapping[str, str]) -> str | None:
    """The proxy for a URL: the setting, else HTTPS_PROXY or HTTP_PROXY unless NO_PROXY names the host.

    A loopback address never goes through a proxy of the environment (as Go's net/http). Raises SettingsError.
    """
    if setting == NONE:
        return None
    if setting:
        return _checked("FARWATCH_AGENT__PROXY", setting)
    parts = urlsplit(url)
    host = parts.hostname or ""
    name = "https_proxy" if parts.scheme == "https" else "http_proxy"
    proxy = environment.get(name) or environment.get(name.upper()) or ""
    exempt = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    if not proxy or _is_loopback(host) or _is_exempt(host, exempt):
        return None
    return _checked(name.upper(), proxy if "://" in proxy else f"http://{proxy}")


def _checked(name: str, proxy: str) -> str:
    parts = urlsplit(proxy)
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise SettingsError(f"{name}: this is no proxy. Write http://host:port, or `none`")
    return proxy


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_exempt(host: str, exempt: str) -> bool:
    """Whether NO_PROXY, a comma-separated list of names, covers the host. A name covers what is below it."""
    for each in exempt.split(","):
        name = each.strip().lower().lstrip(".")
        if name == "*" or (name and (host == name or host.endswith(f".{name}"))):
            return True
    return False


def trust(ca_file: str | None) -> ssl.SSLContext:
    """The system's authorities and those of a file. Raises SettingsError when the file holds none."""
    try:
        return context_with_authorities(ca_file)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(f"FARWATCH_AGENT__CA_FILE: {ca_file} holds no certificates in PEM: {reason}") from None
