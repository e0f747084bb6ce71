"""Talking to the operator's door from the command line. The secret is never an argument: lists of processes show it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
import httpx

from control_plane.cli import exit_codes
from control_plane.cli.api_client import DEFAULT_URL, ApiClient
from control_plane.cli.installation import Installation, default_directory
from control_plane.cli.talk import say

SECRET = "FARWATCH_OPERATOR__SECRET"  # noqa: S105  # its name

F = TypeVar("F", bound=Callable[..., Any])


class OperatorClient(ApiClient):
    """The operator's door at `url`."""

    prefix = "/operator"

    def refused(self, response: httpx.Response) -> NoReturn:
        """To whoever has another secret nothing is there: say so, and end as for a wrong key."""
        if response.status_code == 404 and response.json().get("error", {}).get("code") == "NOT_FOUND":
            say(f"{self.url} does not know the operator's secret that was given: see {SECRET}", style="red")
            sys.exit(exit_codes.AUTH)
        super().refused(response)


def with_operator(function: F) -> F:
    """Give the command `--url` and `--secret-file`, and itself an OperatorClient as first argument."""

    @click.option("--url", envvar="FARWATCH_CLI__URL", default=None, help="Control plane; default: the local one.")
    @click.option(
        "--secret-file",
        envvar=f"{SECRET}_FILE",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        default=None,
        help=f"File with the operator's secret; default: {SECRET}, or the local installation's.",
    )
    @wraps(function)
    def command(*args: Any, url: str | None, secret_file: Path | None, **kwargs: Any) -> Any:
        return function(_client(url, secret_file), *args, **kwargs)

    return command  # type: ignore[return-value]


def _client(url: str | None, secret_file: Path | None) -> OperatorClient:
    local = Installation(default_directory())
    secret = secret_file.read_text().strip() if secret_file is not None else os.environ.get(SECRET)
    if secret is None and (url is None or url == local.address()):
        url, secret = url or local.address(), _local_secret(local)
    if not secret:
        say(f"No operator's secret: set {SECRET}, or give --secret-file.", style="red")
        sys.exit(exit_codes.AUTH)
    return OperatorClient(url or DEFAULT_URL, secret)


def _local_secret(local: Installation) -> str | None:
    if not os.access(local.directory / "secrets.json", os.R_OK):
        return None
    found = local.stored_secrets()
    return found.operator_secret if found else None
