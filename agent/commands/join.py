"""`farwatch-agent join`: prove a probe key, remember it, and make the agent a service of this machine if asked to."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import subprocess
from pathlib import Path
from uuid import uuid4

from agent.app import make_client, make_hello
from agent.commands.systemd import STATE_DIR, own_command, owner_of, unit_text, write_unit
from agent.link.client import NotAccepted, Refused, Unreachable
from agent.settings import AgentSettings, save_joined
from shared.protocol import Welcome


async def verify(settings: AgentSettings) -> Welcome:
    """Greet the control plane once. The lease that this brings is given back unless the agent runs here already.

    Raises Refused, Unreachable or NotAccepted.
    """
    async with make_client(settings) as client:
        welcome = await client.hello(make_hello(uuid4(), family=settings.ip))
        if not is_running(settings.directory):
            with contextlib.suppress(Refused, Unreachable, NotAccepted):
                await client.goodbye()
    return welcome


def remember(settings: AgentSettings) -> Path:
    """Write what works, also the way it took. Raises OSError."""
    way = {"ca_file": settings.ca_file, "proxy": settings.proxy}
    more = {name: value for name, value in way.items() if value}
    return save_joined(settings.directory, url=settings.url.rstrip("/"), key=settings.key, **more)


def is_running(directory: Path) -> bool:
    """Whether an agent uses this state directory now, as far as we may look."""
    try:
        with (directory / "lock").open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def unit_for(directory: Path, *, user: str | None) -> str:
    """The unit of the agent whose state is in `directory`. Raises OSError or ValueError."""
    state_dir = directory.resolve()
    if state_dir != STATE_DIR and user is None:
        user = owner_of(state_dir)
    return unit_text(own_command(), state_dir=state_dir, user=user)


def install_unit(path: Path, text: str) -> list[str]:
    """Write the unit. What systemd has to say against it comes back, if systemd is here. Raises OSError."""
    write_unit(path, text)
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        return []
    done = subprocess.run([analyze, "verify", str(path)], capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    return [line for line in done.stderr.splitlines() if path.name in line]


def start_unit(path: Path) -> str | None:
    """Have systemd start it, now and at every boot. What went wrong comes back."""
    systemctl = shutil.which("systemctl")
    if systemctl is None:
        return "there is no systemctl here"
    for order in (["daemon-reload"], ["enable", path.name], ["restart", path.name]):
        done = subprocess.run([systemctl, *order], capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
        if done.returncode:
            return f"systemctl {' '.join(order)}: {done.stderr.strip() or done.returncode}"
    return None
