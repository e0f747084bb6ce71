"""Settings of the agent: `FARWATCH_AGENT__KEY` over the file of FARWATCH_CONFIG over what `join` wrote."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from shared.settings import CONFIG, PREFIX, Secret, SettingsError, decode_settings, secret_files

JOINED = "agent.toml"
"""In the state directory, 0600: what `join` found to work."""

FOREIGN_SECTIONS = (
    *("database", "server", "operator", "security", "auth", "rates", "anonymous", "delivery", "email", "telegram"),
    "subscribers",
    *("whatsapp", "slack", "discord", "web_push", "retention", "log", "cli"),
)
"""Sections of the control plane and of the command line, which may run with the same environment."""

_STATE_DIR = f"{PREFIX}AGENT__STATE_DIR"


class AgentSettings(Struct, frozen=True, kw_only=True):
    """`url`: the control plane's. `canaries`: host:port to connect to, or names to resolve; none by default.

    `workers`: processes that run checks; 1: this one alone. `concurrency`: checks under way at once, over all workers;
    `target_max_inflight`: those of one tenant at one host and port; `rdap_max_inflight`: those at the registry of one
    top-level domain, over all tenants. `rdap_bootstrap`: the list of RDAP servers (RFC 9224), IANA's or a mirror of it.
    `resolvers`: DNS servers as address or address:port instead of the system's. `source_address`: a local IP address
    that checks come from. `ip`: the address family that checks use, `any`, `4` or `6`. `ca_file`: authorities trusted
    besides the system's, by checks and towards the control plane. `metrics_port`: that of /metrics and /healthz, off
    while it is not set; with `probe_door` also of /probe. `proxy`: on the way to the control plane, never for checks;
    empty: what HTTPS_PROXY or HTTP_PROXY and NO_PROXY say; `none`: none.
    """

    url: str = ""
    key: Secret = ""
    state_dir: str = ""
    workers: Annotated[int, Meta(ge=1, le=64)] = 1
    concurrency: Annotated[int, Meta(ge=1, le=10_000)] = 500
    target_max_inflight: Annotated[int, Meta(ge=1, le=10_000)] = 10
    rdap_max_inflight: Annotated[int, Meta(ge=1, le=100)] = 2
    rdap_bootstrap: Annotated[str, Meta(pattern="^https?://")] = "https://data.iana.org/rdap/dns.json"
    canaries: tuple[str, ...] = ()
    resolvers: tuple[str, ...] = ()
    source_address: str = ""
    ip: Literal["any", "4", "6"] = "any"
    ca_file: str | None = None
    spool_bytes: Annotated[int, Meta(ge=4_000_000)] = 200_000_000
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"
    metrics_host: str = "127.0.0.1"
    metrics_port: Annotated[int, Meta(ge=1, le=65_535)] | None = None
    probe_door: bool = False
    proxy: Secret = ""

    @property
    def directory(self) -> Path:
        return Path(self.state_dir)


class Settings(Struct, frozen=True):
    agent: AgentSettings = AgentSettings()


def load_settings(environment: Mapping[str, str], *, state_dir: str | None = None) -> AgentSettings:
    """The settings of this process. Raises SettingsError, which names setting, problem and remedy."""
    directory = state_dir or environment.get(_STATE_DIR) or default_state_dir(environment)
    files = secret_files(Settings, environment)
    plain = {name: value for name, value in environment.items() if name not in files}
    for name, path in files.items():
        plain[name.removesuffix("_FILE")] = _read_secret(name, path)
    plain[_STATE_DIR] = directory
    document = _merged(_read_toml(Path(directory) / JOINED, missing_ok=True), _configured(environment))
    return decode_settings(Settings, environment=plain, document=document, foreign=FOREIGN_SECTIONS).agent


def default_state_dir(environment: Mapping[str, str]) -> str:
    """/var/lib for root, else the XDG state directory."""
    if os.geteuid() == 0:
        return "/var/lib/farwatch-agent"
    home = environment.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return f"{home}/farwatch-agent"


def save_joined(directory: Path, *, url: str, key: str, **more: str) -> Path:
    """Write what `join` verified, readable by nobody but the directory's owner. Raises OSError.

    `more`: other settings without which it would not have worked, as `proxy`.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = directory / JOINED
    temporary = path.with_suffix(".tmp")
    quoted = {name: msgspec.json.encode(value).decode() for name, value in (("url", url), ("key", key), *more.items())}
    text = "[agent]\n" + "".join(f"{name} = {value}\n" for name, value in quoted.items())
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        if os.geteuid() == 0:  # the agent itself may be somebody else
            owner = directory.stat()
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
    os.replace(temporary, path)
    return path


def _configured(environment: Mapping[str, str]) -> Mapping[str, Any]:
    path = environment.get(CONFIG)
    return _read_toml(Path(path), missing_ok=False) if path else {}


def _read_toml(path: Path, *, missing_ok: bool) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        if missing_ok:
            return {}
        raise SettingsError(f"{CONFIG} names {path}, which does not exist") from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read as TOML: {error}") from None


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**below, **above, "agent": {**below.get("agent", {}), **above.get("agent", {})}}


def _read_secret(name: str, path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise SettingsError(f"{name}: {path} cannot be read: {error.strerror}") from None
