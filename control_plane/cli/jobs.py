"""`farwatch jobs`: what was ordered to be done later, how far it is, what it made, and stopping it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from control_plane.cli import exit_codes
from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.output import show, with_output
from control_plane.cli.talk import say

PAGE = 200
OVER = ("succeeded", "failed", "cancelled")
_AGAIN_S = 2.0

COLUMNS = {
    "NUMBER": lambda job: str(job["number"]),
    "KIND": lambda job: job["kind"].replace("_", " "),
    "STATE": lambda job: job["state"],
    "DONE": lambda job: f"{job['done']} of {job['total']}",
    "FAILED": lambda job: str(job["failed"]),
    "ORDERED": lambda job: job["created_at"],
    "ID": lambda job: job["id"],
}


@click.group()
def jobs() -> None:
    """List, show, follow and cancel jobs, and fetch what they made."""


@jobs.command("ls")
@click.option("--state", type=click.Choice(("queued", "running", *OVER)), default=None)
@click.option("--kind", default=None, help="Such as create_monitors.")
@with_output
@with_client
def list_jobs(client: ApiClient, state: str | None, kind: str | None, output: str) -> None:
    """List jobs, newest first."""
    page = client.get("/jobs", state=state, kind=kind, limit=PAGE)
    if not page["items"] and output == "table":
        say("No jobs.")
        return
    show(page["items"], output, columns=COLUMNS)


@jobs.command("show")
@click.argument("job")
@with_output
@with_client
def show_job(client: ApiClient, job: str, output: str) -> None:
    """Show one job, and what failed."""
    found = client.get(f"/jobs/{job}")
    show(found, output, columns=COLUMNS)
    if output == "table":
        say_failures(found["failures"])


@jobs.command()
@click.argument("job")
@with_output
@with_client
def wait(client: ApiClient, job: str, output: str) -> None:
    """Follow a job until it is over. Ends with 1 unless all of it succeeded."""
    end_with(follow(client, job), output)


@jobs.command()
@click.argument("job")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A file, instead of standard output.")
@with_client
def result(client: ApiClient, job: str, out: Path | None) -> None:
    """Fetch what a job made, such as a report, in the form that was asked for."""
    body = client.download(f"/jobs/{job}/result")
    if out is None:
        sys.stdout.buffer.write(body)
        return
    out.write_bytes(body)
    say(f"{out}: {len(body)} bytes")


@jobs.command()
@click.argument("job")
@with_client
def cancel(client: ApiClient, job: str) -> None:
    """Cancel a job: what is done stays, the rest is not done."""
    client.send("POST", f"/jobs/{job}/cancel")
    say("Cancelled.")


def follow(client: ApiClient, job_id: str) -> Any:
    """The job once it is over, with a progress bar meanwhile. A stream that breaks is opened again."""
    job = client.get(f"/jobs/{job_id}")
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task(job["kind"].replace("_", " "), total=job["total"], completed=job["done"])
        while job["state"] not in OVER:
            _watch(client, job_id, lambda done: bar.update(task, completed=done))
            job = client.get(f"/jobs/{job_id}")
    return job


def _watch(client: ApiClient, job_id: str, tell: Callable[[int], None]) -> None:
    """Tell how many items are done, until the stream ends."""
    try:
        for told in _events(client, job_id):
            tell(told["done"])
    except httpx.HTTPError:
        time.sleep(_AGAIN_S)  # the server is restarting: the job goes on by itself


def _events(client: ApiClient, job_id: str) -> Any:
    with client.streaming() as http, http.stream("GET", f"/api/v1/jobs/{job_id}/events") as reply:
        if not reply.is_success:
            reply.read()
            client.refused(reply)
        for line in reply.iter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))


def end_with(job: Any, output: str) -> None:
    """Print how a job ended; end with 1 unless all of it succeeded."""
    if output != "table":
        show(job, output, columns=COLUMNS)
    say_failures(job["failures"])
    if job["error"] is not None:
        say(f"{job['error']['code']}: {job['error']['message']}", style="red")
    say(f"{job['state']}: {job['succeeded']} of {job['total']} items done, {job['failed']} failed.")
    if job["state"] != "succeeded" or job["failed"]:
        sys.exit(exit_codes.FAILED)


def say_failures(items: Any) -> None:
    """A line for each item that failed."""
    for item in items:
        error = item["error"]
        if error is not None:
            field = f" (at {error['field']})" if error["field"] else ""
            named = item["name"] or item["id"] or "without a name"
            say(f"Item {item['index'] + 1}, {named}: {error['code']}: {error['message']}{field}", style="red")
