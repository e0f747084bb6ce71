"""The systemd unit of an agent: no privilege but to send ICMP, nothing writable but its state directory."""

from __future__ import annotations

import os
import pwd
import shutil
import sys
from pathlib import Path

UNIT = Path("/etc/systemd/system/farwatch-agent.service")
STATE_DIR = Path("/var/lib/farwatch-agent")
"""What StateDirectory= makes; another one has to belong to the user that the agent runs as."""

_TEMPLATE = """\
# The key is in the state directory, where `farwatch-agent join` put it. Write the unit anew with
# `farwatch-agent join URL --key KEY --systemd`; settings of your own belong in a drop-in (systemctl edit).
[Unit]
Description=Farwatch probe agent
Wants=network-online.target
After=network-online.target

[Service]
{identity}
Environment=FARWATCH_AGENT__LOG_FORMAT=json
ExecStart={command} run --state-dir {state_dir}
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=5
# 4: the key is not accepted, which a restart does not change; 2: a setting is wrong
RestartPreventExitStatus=2 4
# On SIGTERM the agent hands its share over and lets running checks end, in about 10 s
TimeoutStopSec=30
LimitNOFILE=65536
# ICMP, and nothing else
AmbientCapabilities=CAP_NET_RAW
CapabilityBoundingSet=CAP_NET_RAW
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome={protect_home}
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
UMask=0077
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
"""


def unit_text(command: str, *, state_dir: Path = STATE_DIR, user: str | None = None) -> str:
    """The unit. Without `user` systemd invents one; it must own a state directory other than the default."""
    if state_dir == STATE_DIR:
        account = "DynamicUser=yes" if user is None else f"User={user}"
        identity = f"{account}\nStateDirectory={STATE_DIR.name}\nStateDirectoryMode=0700"
    else:
        identity = f"User={user or 'root'}\nReadWritePaths={quoted(str(state_dir))}"
    paths = (command, str(state_dir))
    protect_home = "read-only" if any(path.lstrip('"').startswith(("/home/", "/root/")) for path in paths) else "yes"
    return _TEMPLATE.format(
        identity=identity, command=command, state_dir=quoted(str(state_dir)), protect_home=protect_home
    )


def quoted(text: str) -> str:
    """One word of a unit file (systemd.syntax, systemd.unit "Specifiers"). Raises ValueError for a line break."""
    if "\n" in text:
        raise ValueError("a path in a unit file cannot hold a line break")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if any(char.isspace() for char in text) or escaped != text else text


def own_command() -> str:
    """How this very agent is started again: its script beside the interpreter, else the interpreter itself."""
    script = Path(sys.executable).parent / "farwatch-agent"
    found = str(script) if script.is_file() else shutil.which("farwatch-agent")
    return quoted(found) if found else f"{quoted(sys.executable)} -m agent"


def owner_of(directory: Path) -> str:
    """The account that a directory belongs to. Raises OSError."""
    uid = directory.stat().st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def write_unit(path: Path, text: str) -> None:
    """Replace the unit file, readable by all, as systemd wants it. Raises OSError."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text)
    temporary.chmod(0o644)
    os.replace(temporary, path)
