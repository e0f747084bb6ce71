"""`farwatch tags` and `farwatch groups`: the words that monitors are sorted by."""

from __future__ import annotations

import click

from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.finding import segment
from control_plane.cli.output import show, with_output
from control_plane.cli.pages import every_item
from control_plane.cli.reads import text
from control_plane.cli.talk import say

COLUMNS = {
    "STATE": text("state"),
    "NAME": text("name"),
    "MONITORS": text("monitors"),
    "DOWN": lambda w: str(w["states"]["down"]),
}


def _group_of(plural: str, word: str) -> click.Group:
    """ls, show, rename and rm of one sort of word."""

    @with_output
    @with_client
    def ls(client: ApiClient, q: str | None, output: str) -> None:
        show(every_item(client, f"/{plural}", q=q), output, columns=COLUMNS)

    @with_output
    @with_client
    def show_one(client: ApiClient, name: str, output: str) -> None:
        show(client.get(f"/{plural}/{segment(name)}"), output, columns=COLUMNS)

    @with_output
    @with_client
    def rename(client: ApiClient, name: str, new: str, output: str) -> None:
        show(client.send("PATCH", f"/{plural}/{segment(name)}", body={"name": new}), output, columns=COLUMNS)

    @with_client
    def rm(client: ApiClient, name: str) -> None:
        client.send("DELETE", f"/{plural}/{segment(name)}")
        say(f"No monitor has the {word} {name} any more.")

    made = click.Group(plural, help=f"List, show, rename and remove {plural}.")
    name, new = click.argument("name"), click.argument("new")
    q = click.option("--q", default=None, help="Part of the name.")
    made.command("ls", help=f"List {plural} with the worst state in each.")(q(ls))
    made.command("show", help=f"Show one {word}.")(name(show_one))
    made.command("rename", help=f"Rename a {word} in every monitor.")(name(new(rename)))
    made.command("rm", help=f"Take a {word} from every monitor. The monitors stay.")(name(rm))
    return made


tags = _group_of("tags", "tag")
groups = _group_of("groups", "group")
