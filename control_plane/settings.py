"""What an installation may be told. Unknown names, and values that cannot work, refuse to start."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct

from control_plane.alerting_settings import (
    DeliverySettings,
    DiscordSettings,
    EmailSettings,
    Seconds,
    SlackSettings,
    TelegramSettings,
    WebPushSettings,
    WhatsappSettings,
    check_ways_out,
)
from control_plane.errors import StartupRefused
from shared.netpolicy import PortProfile
from shared.settings import CONFIG, Secret, SettingsError, decode_settings, secret_files

__all__ = [
    "DeliverySettings",
    "DiscordSettings",
    "EmailSettings",
    "SlackSettings",
    "TelegramSettings",
    "WebPushSettings",
    "WhatsappSettings",
]
"""Sections that stand in a module of their own."""

Port = Annotated[int, Meta(ge=0, le=65535)]
Days = Annotated[int, Meta(ge=1, le=3650)]
PerMinute = Annotated[int, Meta(ge=1, le=10_000_000)]


class DatabaseSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`dsn` is a PostgreSQL URL; `pool_size` is per process."""

    dsn: Secret = ""
    pool_size: Annotated[int, Meta(ge=1, le=200)] = 10


class ServerSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`trusted_proxies` are networks whose forwarded addresses are believed; port 0 takes a free one."""

    host: str = "127.0.0.1"
    port: Port = 8100
    public_url: str = ""
    metrics_host: str = "127.0.0.1"
    metrics_port: Port = 8101
    trusted_proxies: tuple[str, ...] = ()
    workers: Annotated[int, Meta(ge=1, le=64)] = 1
    read_timeout_s: Seconds = 15
    """How long a request's body may take to arrive."""
    shutdown_timeout_s: Seconds = 10


class OperatorSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """While the secret is unset, the operator's door answers 404."""

    secret: Secret = ""


class SecuritySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`pepper` goes into every stored key digest: changing it revokes all keys."""

    pepper: Secret = ""
    sealing_keys: Secret = ""
    allow_unsealed: bool = False
    """Development only: store secrets as they are while there is no sealing key."""
    failed_auth_per_minute: Annotated[int, Meta(ge=1, le=100_000)] = 30
    """Failed authentications per address before 429."""
    resolver: str = ""
    """The name server that proofs of domains are asked of, as address or address:port; by default the system's."""
    tcp_ports: PortProfile = "any"
    """Which ports `tcp` and `tls_cert` checks from shared regions may use; `strict`: those of web servers."""


ProviderName = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,39}$")]


class OidcProvider(Struct, frozen=True, forbid_unknown_fields=True):
    """An OpenID Connect provider. `name` stands in its callback's path, `title` on the sign-in page.

    `trust_email`: take its addresses for proven where it does not say `email_verified` at all.
    """

    name: ProviderName
    issuer: str
    client_id: str
    client_secret: str = ""
    title: str = ""
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    trust_email: bool = False


class AuthSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How people sign in besides with an API key. Providers need server.public_url, for their callbacks."""

    github_client_id: str = ""
    github_client_secret: Secret = ""
    github_url: str = "https://github.com"
    github_api_url: str = "https://api.github.com"
    oidc: Annotated[tuple[OidcProvider, ...], Meta(extra={"secret": True})] = ()
    allowed_domains: tuple[str, ...] = ()
    """Whoever proves an address of these domains may enter without an invitation."""
    domain_role: Literal["admin", "member", "viewer"] = "viewer"
    domain_tenant: str = ""
    """The tenant that they enter; by default the first one."""
    allow_cidrs: tuple[str, ...] = ()
    """Otherwise blocked networks that providers may be in, also over plain http."""
    timeout_s: Seconds = 10
    session_days: Days = 30
    session_idle_days: Days = 7


class RatesSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Requests a minute of a tenant, and of each of its callers, where its plan says nothing; null is no limit."""

    reads: PerMinute | None = None
    writes: PerMinute | None = None
    creates: PerMinute | None = None
    bulk: PerMinute | None = None
    test_now: PerMinute | None = None
    check_now: PerMinute | None = None


class AnonymousSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Zero-signup: whether anybody may create a monitor without an account, and how many an hour.

    `creates_per_hour` counts for each address, an IPv6 one by its /64; `creates_per_hour_in_all` for the installation.
    """

    enabled: bool = False
    creates_per_hour: Annotated[int, Meta(ge=1, le=100_000)] = 10
    creates_per_hour_in_all: Annotated[int, Meta(ge=1, le=1_000_000)] = 200


class SubscribersSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Who is told of what status pages say. `per_page`: at most so many of one page, confirmed or asked."""

    per_page: Annotated[int, Meta(ge=0, le=1_000_000)] = 10_000


class RetentionSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How long rows are kept."""

    results_days: Annotated[int, Meta(ge=2, le=3650)] = 30
    """At least 2: slots of up to 25 hours ago are still accepted."""
    fine_rollups_days: Days = 90
    hourly_rollups_days: Days = 400
    events_days: Days = 1
    deliveries_days: Days = 90
    incidents_days: Days = 400
    transitions_days: Days = 400
    certificates_days: Days = 400
    pings_days: Days = 90
    audit_days: Days = 400


class LogSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`auto` is for people on a terminal and JSON elsewhere."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """All sections."""

    database: DatabaseSettings = DatabaseSettings()
    server: ServerSettings = ServerSettings()
    operator: OperatorSettings = OperatorSettings()
    security: SecuritySettings = SecuritySettings()
    auth: AuthSettings = AuthSettings()
    rates: RatesSettings = RatesSettings()
    anonymous: AnonymousSettings = AnonymousSettings()
    delivery: DeliverySettings = DeliverySettings()
    email: EmailSettings = EmailSettings()
    telegram: TelegramSettings = TelegramSettings()
    whatsapp: WhatsappSettings = WhatsappSettings()
    slack: SlackSettings = SlackSettings()
    discord: DiscordSettings = DiscordSettings()
    web_push: WebPushSettings = WebPushSettings()
    subscribers: SubscribersSettings = SubscribersSettings()
    retention: RetentionSettings = RetentionSettings()
    log: LogSettings = LogSettings()


FOREIGN_SECTIONS = ("agent", "cli")
"""Sections of the agent and of the command line, which may run under the same environment."""

MIN_SECRET = 16


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment and the TOML file that FARWATCH_CONFIG names. Raises StartupRefused."""
    given = dict(os.environ if environment is None else environment)
    document = _read_document(given.get(CONFIG))
    for name, path in secret_files(Settings, given).items():
        del given[name]
        given[name.removesuffix("_FILE")] = _read_text(path, name=name).strip()
    try:
        settings = decode_settings(Settings, environment=given, document=document, foreign=FOREIGN_SECTIONS)
    except SettingsError as error:
        raise StartupRefused(str(error)) from None
    check_settings(settings)
    return settings


def check_settings(settings: Settings) -> None:
    """What the types cannot say. Raises StartupRefused."""
    for name, networks in (
        ("server.trusted_proxies", settings.server.trusted_proxies),
        ("delivery.allow_cidrs", settings.delivery.allow_cidrs),
        ("auth.allow_cidrs", settings.auth.allow_cidrs),
    ):
        for network in networks:
            _check_network(name, network)
    for name, secret in (("operator.secret", settings.operator.secret), ("security.pepper", settings.security.pepper)):
        if secret and len(secret) < MIN_SECRET:
            raise StartupRefused(f"{name} is shorter than {MIN_SECRET} characters: make one with openssl rand -hex 32")
    _check_resolver(settings.security.resolver)
    check_ways_out(
        delivery=settings.delivery,
        email=settings.email,
        telegram=settings.telegram,
        whatsapp=settings.whatsapp,
        slack=settings.slack,
        discord=settings.discord,
        public_url=settings.server.public_url,
    )
    url = settings.server.public_url
    if url and not url.startswith(("http://", "https://")):
        raise StartupRefused("server.public_url must start with http:// or https://, as people type it in a browser")
    _check_auth(settings.auth, public_url=url)


def _check_auth(auth: AuthSettings, *, public_url: str) -> None:
    if bool(auth.github_client_id) != bool(auth.github_client_secret):
        raise StartupRefused("auth.github_client_id and auth.github_client_secret are set together or not at all")
    names = [provider.name for provider in auth.oidc]
    if len({*names, "github"}) <= len(names):
        raise StartupRefused('auth.oidc: each provider needs a name of its own, and "github" is GitHub\'s')
    for name, url in (
        ("auth.github_url", auth.github_url),
        ("auth.github_api_url", auth.github_api_url),
        *((f"auth.oidc: the issuer of {provider.name}", provider.issuer) for provider in auth.oidc),
    ):
        if not url.startswith(("https://", "http://")):
            raise StartupRefused(f"{name} must be a URL that starts with https://")
    if any("openid" not in provider.scopes or not provider.client_id for provider in auth.oidc):
        raise StartupRefused("auth.oidc: each provider needs a client_id, and the scope openid among its scopes")
    if (auth.github_client_id or auth.oidc) and not public_url:
        raise StartupRefused("server.public_url is not set: providers send people back to it after they signed in")
    if auth.domain_tenant and not _is_uuid(auth.domain_tenant):
        raise StartupRefused("auth.domain_tenant must be the id of a tenant, a UUID")


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def check_serving(settings: Settings) -> None:
    """What a serving control plane needs beyond valid values. Raises StartupRefused."""
    if not settings.database.dsn:
        raise StartupRefused(
            "database.dsn is not set: give a PostgreSQL URL in FARWATCH_DATABASE__DSN, or use `farwatch up`"
        )
    if not settings.security.pepper:
        raise StartupRefused(
            "security.pepper is not set: make one with openssl rand -hex 32 and keep it; keys depend on it"
        )


def _check_resolver(address: str) -> None:
    host, _, port = address.rpartition(":") if address.count(":") == 1 or "]:" in address else (address, "", "53")
    try:
        usable = not address or (ip_address(host.strip("[]")) is not None and 0 < int(port) < 65536)
    except ValueError:
        usable = False
    if not usable:
        raise StartupRefused(f"security.resolver: {address!r} is not an address or address:port, such as 192.0.2.53:53")


def _check_network(name: str, network: str) -> None:
    try:
        ip_network(network)
    except ValueError:
        raise StartupRefused(f"{name}: {network!r} is not a network in CIDR form, such as 10.0.0.0/8") from None


def _read_document(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(_read_text(path, name=CONFIG))
    except tomllib.TOMLDecodeError as error:
        raise StartupRefused(f"{CONFIG}: {path} is not TOML: {error}") from None


def _read_text(path: str, *, name: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise StartupRefused(f"{name}: {path} cannot be read: {reason}. Correct the path or its permissions") from None
