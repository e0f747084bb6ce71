"""`farwatch operator`: running the installation through the operator's door."""

from __future__ import annotations

import click

from control_plane.cli.operator_fleet import agents, fleet, kill_switch, regions
from control_plane.cli.operator_records import audit, background, deliveries, jobs
from control_plane.cli.operator_safety import announcements, deny_lists, opt_outs, settings
from control_plane.cli.operator_tenants import plans, tenants


@click.group()
def operator() -> None:
    """Run the installation: tenants, plans, regions, agents, safety, jobs and dead letters."""


for _command in (
    *(tenants, plans, regions, agents, fleet, kill_switch, deny_lists, opt_outs, settings, announcements),
    *(audit, jobs, background, deliveries),
):
    operator.add_command(_command)
