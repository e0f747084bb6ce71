"""A local installation: one directory with the database, the secrets and the keys of `farwatch up` and `demo`.

postgres/        the embedded server's data, socket and log
secrets.json     pepper, sealing key, operator secret: made once, 0600
keys.json        the first API key and the agents' probe keys, 0600
address.json     where it was last served, for the command line on this machine
agents/REGION/   each local agent's state and spool
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from control_plane.domain.tenants.credentials import SCOPES
from control_plane.errors import StartupRefused
from control_plane.services.fleet.issue_probe_key import create_agent
from control_plane.services.tenants.first_run import KEY_LABEL, RegionDefinition, ensure_first_tenant
from control_plane.services.tenants.issue_api_key import issue_api_key
from control_plane.store import tenants
from control_plane.store.pool import Database

LOCAL_CIDRS = ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
"""What private regions of a local installation may reach, and where its webhooks may go, also over http."""

T = TypeVar("T")


class InstallationSecrets(Struct, frozen=True):
    """What the control plane is given through its environment."""

    pepper: str
    sealing_keys: str
    operator_secret: str


class InstallationKeys(Struct, frozen=True):
    """`probe_keys` by region."""

    api_key: str
    probe_keys: dict[str, str]


class EnsuredKeys(Struct, frozen=True):
    """The keys of an installation. `made`: just now; then `setup_token` is that of its setup link, if it has one."""

    keys: InstallationKeys
    made: bool
    setup_token: str = ""


class InstallationAddress(Struct, frozen=True):
    url: str


class Installation:
    """A data directory and what is in it. Raises StartupRefused, with the remedy, when it cannot be used."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.expanduser().absolute()

    @property
    def postgres(self) -> Path:
        return self.directory / "postgres"

    def agent_state(self, region: str) -> Path:
        """Where the local agent of this region keeps its spool."""
        path = self.directory / "agents" / region
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path

    def prepare(self) -> InstallationSecrets:
        """Make the directory and its secrets when they are missing."""
        try:
            # Traversable, so that the server's own system user reaches its data below; every file in it is 0600.
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o755)
            found = self._read("secrets.json", InstallationSecrets)
            if found is None:
                sealing = base64.b64encode(os.urandom(32)).decode()
                found = InstallationSecrets(secrets.token_hex(32), f"k1:{sealing}", secrets.token_urlsafe(32))
                self._write("secrets.json", found)
        except OSError as error:
            raise StartupRefused(
                f"The data directory {self.directory} cannot be used: {error.strerror}."
                " Choose another with --data, or correct its permissions."
            ) from None
        return found

    def stored_secrets(self) -> InstallationSecrets | None:
        """The secrets, once there are some."""
        return self._read("secrets.json", InstallationSecrets)

    def keys(self) -> InstallationKeys | None:
        """The keys made on the first run; None before."""
        return self._read("keys.json", InstallationKeys)

    def address(self) -> str | None:
        """Where it was last served; None before the first start."""
        found = self._read("address.json", InstallationAddress)
        return found.url if found else None

    def note_address(self, url: str) -> None:
        """Remember where it is served."""
        self._write("address.json", InstallationAddress(url))

    async def ensure_keys(
        self, database: Database, *, pepper: bytes, regions: Sequence[RegionDefinition]
    ) -> EnsuredKeys:
        """The first tenant, its key and one agent per region."""
        first = await ensure_first_tenant(database, pepper=pepper, regions=regions)
        if first is not None:
            keys = InstallationKeys(first.api_key, dict(first.probe_keys))
        else:
            found = self.keys()
            if found is not None:
                return EnsuredKeys(found, made=False)
            keys = await _make_anew(database, pepper=pepper, regions=regions)
        self._write("keys.json", keys)
        return EnsuredKeys(keys, made=True, setup_token=first.setup_token if first else "")

    def _read(self, name: str, kind: type[T]) -> T | None:
        path = self.directory / name
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise StartupRefused(f"{path} cannot be read: {error}. Restore it, or choose another --data") from None

    def _write(self, name: str, value: Struct) -> None:
        """All or nothing, readable by the owner alone."""
        path = self.directory / name
        draft = path.with_suffix(".new")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(value)))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)


async def _make_anew(database: Database, *, pepper: bytes, regions: Sequence[RegionDefinition]) -> InstallationKeys:
    """The first run was killed between its commit and the file: new keys take the place of the lost ones."""
    async with database.app() as conn:
        tenant_id = await tenants.first(conn)
    issued = await issue_api_key(database, tenant_id, label=KEY_LABEL, scopes=SCOPES, pepper=pepper)
    probe_keys = {}
    for region in regions:
        name = f"{region.agent_name}-{secrets.token_hex(3)}"
        place = f"{tenant_id}:{region.slug}"
        probe_keys[region.slug] = (await create_agent(database, region=place, name=name, pepper=pepper)).key
    return InstallationKeys(issued.key, probe_keys)


def control_plane_environment(
    made: InstallationSecrets, *, dsn: str, host: str, port: int, url: str
) -> Mapping[str, str]:
    """The settings of a local control plane, as its environment."""
    return {
        "FARWATCH_DATABASE__DSN": dsn,
        "FARWATCH_SERVER__HOST": host,
        "FARWATCH_SERVER__PORT": str(port),
        "FARWATCH_SERVER__METRICS_PORT": "0",  # a free one: several installations may run side by side
        "FARWATCH_SERVER__PUBLIC_URL": url,
        "FARWATCH_SECURITY__PEPPER": made.pepper,
        "FARWATCH_SECURITY__SEALING_KEYS": made.sealing_keys,
        "FARWATCH_OPERATOR__SECRET": made.operator_secret,
        "FARWATCH_DELIVERY__ALLOW_CIDRS": ",".join(LOCAL_CIDRS),
    }


def default_directory(name: str = "local") -> Path:
    """Below /var/lib as root, whose home the server's system user cannot read; else in the user's data home."""
    if os.geteuid() == 0:
        return Path("/var/lib/farwatch") / name
    return Path(os.environ.get("XDG_DATA_HOME", "~/.local/share")).expanduser() / "farwatch" / name
