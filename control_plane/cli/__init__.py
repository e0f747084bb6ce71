"""The `farwatch` command. Each subcommand is imported when it is called, so that none pays for the others."""

from __future__ import annotations

import importlib

import click

COMMANDS: dict[str, str] = {
    "up": "control_plane.cli.up:up",
    "demo": "control_plane.cli.demo:demo",
    "serve": "control_plane.cli.serve:serve",
    "migrate": "control_plane.cli.migrate:migrate_command",
    "doctor": "control_plane.cli.doctor:doctor",
    "monitors": "control_plane.cli.monitors:monitors",
    "incidents": "control_plane.cli.incidents:incidents",
    "maintenance": "control_plane.cli.maintenance:maintenance",
    "tenant": "control_plane.cli.tenant:tenant",
    "domains": "control_plane.cli.domains:domains",
    "audit": "control_plane.cli.audit:audit",
    "regions": "control_plane.cli.regions:regions",
    "keys": "control_plane.cli.keys:keys",
    "members": "control_plane.cli.members:members",
    "invitations": "control_plane.cli.invitations:invitations",
    "export": "control_plane.cli.export:export",
    "plan": "control_plane.cli.plan:plan",
    "apply": "control_plane.cli.apply:apply",
    "import": "control_plane.cli.bulk:import_file",
    "jobs": "control_plane.cli.jobs:jobs",
    "validate": "control_plane.cli.validate:validate",
    "schema": "control_plane.cli.validate:schema",
    "report": "control_plane.cli.report:report",
    "tail": "control_plane.cli.tail:tail",
}


class Commands(click.Group):
    """A group whose commands live in modules of their own."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="farwatch", prog_name="farwatch")
def farwatch() -> None:
    """Multi-region uptime monitoring whose verdicts you can trust."""
