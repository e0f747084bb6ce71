"""The command `farwatch-agent`. Data on stdout, talk on stderr; exit codes as everywhere in Farwatch.

0 ok · 1 unhealthy or failed · 2 usage or settings · 4 the key is not accepted · 5 the control plane cannot be reached
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from shared.settings import SettingsError

OK, FAILED, USAGE, AUTH, UNREACHABLE = 0, 1, 2, 4, 5
OUTDATED = 409
"""The status by which a control plane turns away an agent that speaks no version of theirs."""

T = TypeVar("T")
_STATE_DIR = click.option("--state-dir", default=None, help="Where the agent keeps what it knows.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="farwatch")
def main() -> None:
    """Run checks for a Farwatch region."""


@main.command()
@click.argument("url")
@click.option("--key", required=True, envvar="FARWATCH_AGENT__KEY", help="The probe key, fw_probe_…")
@click.option("--systemd", "wants_unit", is_flag=True, help="Write a systemd unit as well.")
@click.option("--unit-file", default=None, help="Where to; - prints it. [default: /etc/systemd/system/…]")
@click.option("--user", default=None, help="The account of the service; without it systemd invents one.")
@click.option("--start", is_flag=True, help="Have systemd start the service now and at every boot.")
@_STATE_DIR
def join(
    *, url: str, key: str, wants_unit: bool, unit_file: str | None, user: str | None, start: bool, state_dir: str | None
) -> None:
    """Verify a probe key with the control plane at URL and remember both."""
    from agent.commands.join import remember, verify  # noqa: PLC0415 (each command loads what it needs)
    from agent.settings import load_settings  # noqa: PLC0415

    if start and unit_file == "-":
        _fail(USAGE, "--start needs a unit that is written, not printed.")
    environment = {**os.environ, "FARWATCH_AGENT__URL": url, "FARWATCH_AGENT__KEY": key}
    settings = _settings(lambda: load_settings(environment, state_dir=state_dir))
    welcome = _told(lambda: verify(settings))
    path = _on_disk(lambda: remember(settings))
    _say(f"Agent {welcome.agent_name} joined region {welcome.region.id}; remembered in {path}.")
    if wants_unit or unit_file or start:
        _make_service(settings.directory, unit_file=unit_file, user=user, start=start)
    else:
        _say("Start it with: farwatch-agent run" + (f" --state-dir {state_dir}" if state_dir else ""))


def _make_service(directory: Path, *, unit_file: str | None, user: str | None, start: bool) -> None:
    from agent.commands.join import install_unit, start_unit, unit_for  # noqa: PLC0415
    from agent.commands.systemd import UNIT  # noqa: PLC0415

    text = _on_disk(lambda: unit_for(directory, user=user))
    if unit_file == "-":
        click.echo(text, nl=False)
        return
    path = Path(unit_file) if unit_file else UNIT
    for complaint in _on_disk(lambda: install_unit(path, text)):
        _say(f"systemd: {complaint}")
    if not start:
        _say(f"Wrote {path}. Start it with: systemctl daemon-reload && systemctl enable --now {path.stem}")
        return
    if (trouble := start_unit(path)) is not None:
        _fail(FAILED, f"Wrote {path}, but it does not start: {trouble}")
    _say(f"Wrote {path} and started it. See: systemctl status {path.stem}")


@main.command()
@_STATE_DIR
def run(state_dir: str | None) -> None:
    """Run this agent until it is told to stop."""
    from agent.app import App, run_until_signal  # noqa: PLC0415
    from agent.settings import load_settings  # noqa: PLC0415
    from shared.logs import configure_logs  # noqa: PLC0415

    settings = _settings(lambda: load_settings(os.environ, state_dir=state_dir))
    if not settings.url or not settings.key:
        _fail(USAGE, "No control plane is set. Run `farwatch-agent join URL --key KEY` first.")
    configure_logs(level=settings.log_level, format=settings.log_format)

    def reload_key() -> str | None:
        try:
            return load_settings(os.environ, state_dir=state_dir).key
        except SettingsError:
            return None

    _told(lambda: run_until_signal(App(settings, reload_key=reload_key)))


@main.command()
@click.argument("spec")
@click.option("--allow-cidr", multiple=True, help="An otherwise blocked range that may be reached, as 127.0.0.0/8.")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table")
@_STATE_DIR
def check(spec: str, allow_cidr: tuple[str, ...], output: str, state_dir: str | None) -> None:
    """Run SPEC once and show what it saw.

    SPEC is a check as JSON, or a text: https://a.example/health, tcp://db.example:5432, dns://a.example?type=MX,
    ping://a.example, tls://a.example:443, domain://a.example. Addresses that a shared region may not reach need
    --allow-cidr. Ends with 1 unless the outcome is up or degraded.
    """
    from agent.commands.single_check import parse_spec, render, run_once  # noqa: PLC0415
    from agent.settings import load_settings  # noqa: PLC0415
    from shared.logs import configure_logs  # noqa: PLC0415

    settings = _settings(lambda: load_settings(os.environ, state_dir=state_dir))
    configure_logs(level=settings.log_level, format=settings.log_format)
    try:
        parsed = parse_spec(spec)
        outcome = _run(run_once(parsed, allow_cidrs=allow_cidr, settings=settings))
    except ValueError as error:
        _fail(USAGE, f"{error}")
    click.echo(render(outcome, as_json=output == "json"))
    sys.exit(OK if outcome.outcome.value in ("up", "degraded") else FAILED)


@main.command()
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table")
@_STATE_DIR
def doctor(output: str, state_dir: str | None) -> None:
    """Examine what the agent needs: version, disk, DNS, routes, ICMP, canaries, control plane, TLS, key, clock."""
    from agent.commands.doctor import examine, render  # noqa: PLC0415
    from agent.settings import load_settings  # noqa: PLC0415

    settings = _settings(lambda: load_settings(os.environ, state_dir=state_dir))
    findings = _run(examine(settings))
    click.echo(render(findings, as_json=output == "json"))
    sys.exit(max((finding.exit_code for finding in findings), default=OK))


def _settings(load: Any) -> Any:
    try:
        settings = load()
    except SettingsError as error:
        _fail(USAGE, str(error))
    if settings.ca_file and not Path(settings.ca_file).is_file():
        _fail(USAGE, f"FARWATCH_AGENT__CA_FILE: {settings.ca_file} is not a file.")
    return settings


def _told(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The result of work with the control plane; its refusal or absence becomes an exit code, with the remedy."""
    from agent.link.client import NotAccepted, Refused, Unreachable  # noqa: PLC0415

    try:
        return _run(work())
    except Refused as refused:
        _fail(AUTH, f"{refused}\n{refused.remedy or 'Ask the operator for a valid probe key and join again.'}")
    except Unreachable as error:
        code = FAILED if error.status == OUTDATED else UNREACHABLE
        _fail(code, f"{error}\n{error.remedy or 'Check the address, the network and whether the control plane runs.'}")
    except NotAccepted as error:
        _fail(FAILED, f"The control plane {error}\nThis agent may be too old or too new for it.")
    except SettingsError as error:
        _fail(USAGE, str(error))
    except OSError as error:
        _fail(FAILED, f"The state directory cannot be used: {error}\nName another one with --state-dir.")


def _on_disk(work: Callable[[], T]) -> T:
    try:
        return work()
    except PermissionError as error:
        _fail(FAILED, f"{error.filename} cannot be written: {error.strerror}\nRun this as root, or name another place.")
    except (OSError, ValueError) as error:
        _fail(FAILED, str(error))


def _run(work: Coroutine[Any, Any, T]) -> T:
    from agent.event_loop import run  # noqa: PLC0415 (most commands need no loop)

    return run(work)


def _say(text: str) -> None:
    click.echo(text, err=True)


def _fail(code: int, text: str) -> NoReturn:
    click.echo(f"Error: {text}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
