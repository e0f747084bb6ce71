"""`farwatch pages`: what the public sees."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Any

import click

from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.finding import monitor_of, one_of
from control_plane.cli.monitor_edits import merge_patch_of
from control_plane.cli.output import show, with_output
from control_plane.cli.pages import every_item
from control_plane.cli.reads import text
from control_plane.cli.status_page_options import body_of, with_page
from control_plane.cli.subscribers import subscribers
from control_plane.cli.talk import say

COLUMNS = {
    "SLUG": text("slug"),
    "TITLE": text("title"),
    "STATE": lambda p: p["state"] if p["listed"] else f"{p['state']}, unlisted",
    "COMPONENTS": text("components"),
    "URL": text("url"),
    "ID": text("id"),
}
LINES = {
    "NAME": text("name"),
    "GROUP": text("group"),
    "MONITOR": text("monitor_name"),
    "ID": text("id"),
}


@click.group()
def pages() -> None:
    """List, make and change status pages, and choose what they show."""


pages.add_command(subscribers)


@pages.command("ls")
@click.option("--search", "q", default=None, help="Words of title or slug.")
@click.option("--state", type=click.Choice(["draft", "published"]), default=None)
@with_output
@with_client
def list_pages(client: ApiClient, *, q: str | None, state: str | None, output: str) -> None:
    """List status pages, oldest first."""
    items = every_item(client, "/status-pages", q=q, state=state)
    if not items and output == "table":
        say("No status pages. Make one with: farwatch pages add SLUG --title TITLE --publish")
        return
    show(items, output, columns=COLUMNS)


@pages.command("show")
@click.argument("page")
@with_output
@with_client
def show_page(client: ApiClient, page: str, output: str) -> None:
    """Show one page, by slug, number or id."""
    show(client.get(f"/status-pages/{_page(client, page)}"), output, columns=COLUMNS)


@pages.command("add")
@click.argument("slug")
@click.option("--title", required=True)
@with_page
@with_output
@with_client
def add(client: ApiClient, slug: str, *, title: str, output: str, **given: Any) -> None:
    """Make a page at /status/SLUG: a draft, unless --publish is given."""
    made = client.send("POST", "/status-pages", body={"slug": slug, "title": title, **body_of(given)})
    if output == "table" and not made["components"]:
        say(f"Put a monitor on it with: farwatch pages add-component {slug} MONITOR")
    show(made, output, columns=COLUMNS)


@pages.command("edit")
@click.argument("page")
@click.option("--slug", default=None, help="Its address changes with it.")
@click.option("--title", default=None)
@click.option("--patch", default=None, metavar="JSON", help="A JSON merge patch for everything else.")
@with_page
@with_output
@with_client
def edit(client: ApiClient, page: str, *, patch: str | None, output: str, **given: Any) -> None:
    """Change a page. What is not given stays."""
    changes = merge_patch_of(patch) | body_of(given)
    if not changes:
        raise click.UsageError("Say what to change, such as --publish, --title or --accent")
    show(client.send("PATCH", f"/status-pages/{_page(client, page)}", body=changes), output, columns=COLUMNS)


@pages.command("rm")
@click.argument("page")
@with_client
def rm(client: ApiClient, page: str) -> None:
    """Remove a page with its components. Its monitors stay."""
    client.send("DELETE", f"/status-pages/{_page(client, page)}")
    say(f"Removed {page}.")


@pages.command("logo")
@click.argument("page")
@click.argument("picture", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@click.option("--remove", is_flag=True, help="Take the logo away.")
@click.option("--save", type=click.Path(dir_okay=False, path_type=Path), help="Write the logo to this file.")
@with_output
@with_client
def logo(client: ApiClient, page: str, *, picture: Path | None, remove: bool, save: Path | None, output: str) -> None:
    """Give a page a logo: a PNG, JPEG, WebP or GIF."""
    if [picture is not None, remove, save is not None].count(True) != 1:
        raise click.UsageError("Give a picture, --remove, or --save FILE")
    path = f"/status-pages/{_page(client, page)}/logo"
    if save is not None:
        save.write_bytes(client.download(path))
        say(f"The logo is in {save}.")
        return
    if picture is None:
        client.send("DELETE", path)
        say(f"{page} has no logo now.")
        return
    kind = mimetypes.guess_type(picture.name)[0] or "application/octet-stream"
    show(client.upload(path, picture.read_bytes(), kind=kind, method="PUT"), output, columns=COLUMNS)


@pages.command("components")
@click.argument("page")
@with_output
@with_client
def components(client: ApiClient, page: str, output: str) -> None:
    """List what a page shows, in its order."""
    items = every_item(client, f"/status-pages/{_page(client, page)}/components")
    if not items and output == "table":
        say(f"It shows nothing. Put a monitor on it with: farwatch pages add-component {page} MONITOR")
        return
    show(items, output, columns=LINES)


@pages.command("component")
@click.argument("page")
@click.argument("component")
@with_output
@with_client
def component(client: ApiClient, page: str, component: str, *, output: str) -> None:
    """Show one component of a page, by its public name or id."""
    show(client.get(_component(client, page, component)), output, columns=LINES)


def with_line(function: Any) -> Any:
    """Options of a component, as the body that they make."""
    named = click.option("--name", default=None, help="What the public reads.")
    told = click.option("--description", default=None)
    group = click.option("--group", default=None, help="The heading that it stands under.")
    uptime = click.option("--show-uptime/--hide-uptime", default=None)
    latency = click.option("--show-latency/--hide-latency", default=None)
    return named(told(group(uptime(latency(function)))))


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


@pages.command("add-component")
@click.argument("page")
@click.argument("monitor")
@with_line
@with_output
@with_client
def add_component(client: ApiClient, page: str, monitor: str, *, output: str, **given: Any) -> None:
    """Put a monitor on a page, last, under a name for the public."""
    path = f"/status-pages/{_page(client, page)}/components"
    body = {"monitor_id": monitor_of(client, monitor), **_given(given)}
    show(client.send("POST", path, body=body), output, columns=LINES)


@pages.command("edit-component")
@click.argument("page")
@click.argument("component")
@with_line
@with_output
@with_client
def edit_component(client: ApiClient, page: str, component: str, *, output: str, **given: Any) -> None:
    """Change how a page shows a monitor. What is not given stays."""
    if not _given(given):
        raise click.UsageError("Say what to change, such as --name or --group")
    show(client.send("PATCH", _component(client, page, component), body=_given(given)), output, columns=LINES)


@pages.command("rm-component")
@click.argument("page")
@click.argument("component")
@with_client
def rm_component(client: ApiClient, page: str, component: str) -> None:
    """Take a component off a page. Its monitor stays."""
    client.send("DELETE", _component(client, page, component))
    say(f"Took {component} off {page}.")


@pages.command("order")
@click.argument("page")
@click.argument("first", nargs=-1, required=True)
@with_output
@with_client
def order(client: ApiClient, page: str, first: tuple[str, ...], *, output: str) -> None:
    """Put these components first, in this order; the others follow as they are."""
    path = f"/status-pages/{_page(client, page)}"
    there = every_item(client, f"{path}/components")
    ids = [_line_of(there, one) for one in first]
    rest = [str(one["id"]) for one in there if str(one["id"]) not in ids]
    answer = client.send("POST", f"{path}/reorder", body={"component_ids": [*ids, *rest]})
    show(answer["items"], output, columns=LINES)


def _line_of(there: list[dict[str, Any]], given: str) -> str:
    found = [str(one["id"]) for one in there if given in (one["id"], one["name"])]
    if len(found) != 1:
        raise click.UsageError(
            f"{len(found)} components of the page are called {given!r}; see farwatch pages components"
        )
    return found[0]


def _page(client: ApiClient, given: str) -> str:
    return one_of(client, "/status-pages", given, word="status page", remedy="farwatch pages ls", by="slug")


def _component(client: ApiClient, page: str, given: str) -> str:
    path = f"/status-pages/{_page(client, page)}/components"
    return f"{path}/{one_of(client, path, given, word='component', remedy=f'farwatch pages components {page}')}"
