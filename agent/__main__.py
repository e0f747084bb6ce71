"""The command `farwatch-agent`. Data on stdout, talk on stderr; exit codes as everywhere in Farwatch.

0 ok · 1 unhealthy or failed · 2 usage or settings · 4 the key is not accepted · 5 the control plane cannot be reached
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from uuid import uuid4

import click

from shared.settings import SettingsError

OK, FAILED, USAGE, AUTH, UNREACHABLE = 0, 1, 2, 4, 5

T = TypeVar("T")
_STATE_DIR = click.option("--state-dir", default=None, help="Where the agent keeps what it knows.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="farwatch")
def main() -> None:
    """Run checks for a Farwatch region."""


@main.command()
@click.argument("url")
@click.option("--key", required=True, envvar="FARWATCH_AGENT__KEY", help="The probe key, fw_probe_…")
@_STATE_DIR
def join(url: str, key: str, state_dir: str | None) -> None:
    """Verify a probe key with the control plane at URL and remember both."""
    from agent.app import make_client, make_hello  # noqa: PLC0415 (each command loads what it needs)
    from agent.settings import load_settings, save_joined  # noqa: PLC0415

    environment = {**os.environ, "FARWATCH_AGENT__URL": url, "FARWATCH_AGENT__KEY": key}
    settings = _settings(lambda: load_settings(environment, state_dir=state_dir))

    async def verify() -> Any:
        async with make_client(settings) as client:
            return await client.hello(make_hello(uuid4()))

    welcome = _told(verify())
    path = save_joined(settings.directory, url=settings.url.rstrip("/"), key=key)
    _say(f"Agent {welcome.agent_name} joined region {welcome.region.id}; remembered in {path}.")
    _say("Start it with: farwatch-agent run" + (f" --state-dir {state_dir}" if state_dir else ""))


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

    def reload_key() -> str:
        try:
            return load_settings(os.environ, state_dir=state_dir).key
        except SettingsError:
            return str(settings.key)

    _told(run_until_signal(App(settings, reload_key=reload_key)))


@main.command()
@click.argument("spec")
@click.option("--allow-cidr", multiple=True, help="An otherwise blocked range that may be reached, as 127.0.0.0/8.")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table")
@_STATE_DIR
def check(spec: str, allow_cidr: tuple[str, ...], output: str, state_dir: str | None) -> None:
    """Run SPEC, a URL or a check as JSON, once and show what it saw."""
    from agent.settings import load_settings  # noqa: PLC0415
    from agent.single_check import parse_spec, render, run_once  # noqa: PLC0415

    settings = _settings(lambda: load_settings(os.environ, state_dir=state_dir))
    try:
        parsed = parse_spec(spec)
        outcome = _run(run_once(parsed, allow_cidrs=allow_cidr, settings=settings))
    except ValueError as error:
        _fail(USAGE, f"{error}")
    click.echo(render(outcome, as_json=output == "json"))
    sys.exit(OK if outcome.outcome.value in ("up", "degraded") else FAILED)


@main.command()
@_STATE_DIR
def doctor(state_dir: str | None) -> None:
    """Examine what the agent needs: settings, disk, resolver, canaries, control plane, key, clock."""
    from agent.doctor import examine  # noqa: PLC0415
    from agent.settings import load_settings  # noqa: PLC0415

    settings = _settings(lambda: load_settings(os.environ, state_dir=state_dir))
    findings = _run(examine(settings))
    for finding in findings:
        click.echo(f"{finding.mark:4}  {finding.subject:14} {finding.text}")
    sys.exit(max((finding.exit_code for finding in findings), default=OK))


def _settings(load: Any) -> Any:
    try:
        settings = load()
    except SettingsError as error:
        _fail(USAGE, str(error))
    if settings.ca_file and not Path(settings.ca_file).is_file():
        _fail(USAGE, f"FARWATCH_AGENT__CA_FILE: {settings.ca_file} is not a file.")
    return settings


def _told(work: Coroutine[Any, Any, T]) -> T:
    """The result of work with the control plane; its refusal or absence becomes an exit code."""
    from agent.client import NotAccepted, Refused, Unreachable  # noqa: PLC0415

    try:
        return _run(work)
    except Refused as refused:
        _fail(AUTH, f"{refused}\nAsk the operator for a valid probe key and join again.")
    except Unreachable as error:
        _fail(UNREACHABLE, f"{error}\nCheck the address, the network and whether the control plane runs.")
    except NotAccepted as error:
        _fail(FAILED, f"The control plane {error}\nThis agent may be too old or too new for it.")
    except OSError as error:
        _fail(FAILED, f"The state directory cannot be used: {error}\nName another one with --state-dir.")


def _run(work: Coroutine[Any, Any, T]) -> T:
    """On uvloop where there is one; stock asyncio does the same, slower."""
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)


def _say(text: str) -> None:
    click.echo(text, err=True)


def _fail(code: int, text: str) -> NoReturn:
    click.echo(f"Error: {text}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
