"""The `farwatch` command. Each subcommand is imported when it is called, so that none pays for the others."""

from __future__ import annotations

import copy
import importlib

import click

SECTIONS: dict[str, dict[str, str]] = {
    "Watch": {
        "monitors": "control_plane.cli.monitors:monitors",
        "heartbeats": "control_plane.cli.heartbeats:heartbeats",
        "tags": "control_plane.cli.words:tags",
        "groups": "control_plane.cli.words:groups",
        "regions": "control_plane.cli.regions:regions",
        "assert-healthy": "control_plane.cli.assert_healthy:assert_healthy",
        "operator": "control_plane.cli.operator:operator",
        "tail": "control_plane.cli.tail:tail",
        "report": "control_plane.cli.report:report",
    },
    "Respond": {
        "incidents": "control_plane.cli.incidents:incidents",
        "maintenance": "control_plane.cli.maintenance:maintenance",
        "channels": "control_plane.cli.channels:channels",
        "routes": "control_plane.cli.routes:routes",
        "silences": "control_plane.cli.silences:silences",
        "push": "control_plane.cli.push:push",
        "deliveries": "control_plane.cli.deliveries:deliveries",
    },
    "Show": {
        "pages": "control_plane.cli.status_pages:pages",
        "shares": "control_plane.cli.shares:shares",
        "badges": "control_plane.cli.badges:badges",
        "feeds": "control_plane.cli.feeds:feeds",
        "overview": "control_plane.cli.overview:overview",
    },
    "Configuration": {
        "export": "control_plane.cli.export:export",
        "plan": "control_plane.cli.plan:plan",
        "apply": "control_plane.cli.apply:apply",
        "import": "control_plane.cli.bulk:import_file",
        "validate": "control_plane.cli.validate:validate",
        "schema": "control_plane.cli.validate:schema",
        "jobs": "control_plane.cli.jobs:jobs",
    },
    "Tenant": {
        "me": "control_plane.cli.me:me",
        "tenant": "control_plane.cli.tenant:tenant",
        "members": "control_plane.cli.members:members",
        "invitations": "control_plane.cli.invitations:invitations",
        "keys": "control_plane.cli.keys:keys",
        "domains": "control_plane.cli.domains:domains",
        "audit": "control_plane.cli.audit:audit",
    },
    "Installation": {
        "up": "control_plane.cli.up:up",
        "demo": "control_plane.cli.demo:demo",
        "serve": "control_plane.cli.serve:serve",
        "migrate": "control_plane.cli.migrate:migrate_command",
        "doctor": "control_plane.cli.doctor:doctor",
    },
    "Other": {
        "metrics": "control_plane.cli.prometheus:metrics",
        "sd": "control_plane.cli.prometheus:sd",
        "meta": "control_plane.cli.me:meta",
        "completion": "control_plane.cli.completion:completion",
    },
}
"""Commands by what they are for, in the order of the help."""

COMMANDS: dict[str, str] = {name: place for section in SECTIONS.values() for name, place in section.items()}

SYNONYMS = (("ls", "list"), ("add", "create"), ("rm", "remove"))
"""Words for one thing. A group that has one of a pair takes the other, too, and does not show it."""


def _take_synonyms(group: click.Group) -> None:
    for pair in SYNONYMS:
        for word, other in (pair, pair[::-1]):
            known = group.commands.get(word)
            if known is not None and other not in group.commands:
                hidden = copy.copy(known)
                hidden.name, hidden.hidden = other, True
                group.add_command(hidden)


class Commands(click.Group):
    """A group whose commands live in modules of their own."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        if isinstance(command, click.Group):
            _take_synonyms(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, section in SECTIONS.items():
            found = [(name, self.get_command(ctx, name)) for name in section]
            with formatter.section(title):
                formatter.write_dl([(name, each.get_short_help_str(90)) for name, each in found if each is not None])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="farwatch", prog_name="farwatch")
def farwatch() -> None:
    """Multi-region uptime monitoring whose verdicts you can trust."""
