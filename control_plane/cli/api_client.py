"""Talking to the tenant API from the command line: one request, plain errors, the exit status of chapter 4."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, NoReturn, TypeVar

import click
import httpx

from control_plane.cli import exit_codes
from control_plane.cli.installation import Installation, default_directory
from control_plane.cli.talk import say

DEFAULT_URL = "http://127.0.0.1:8100"
TIMEOUT_S = 30.0
UPLOAD_TIMEOUT_S = 120.0

F = TypeVar("F", bound=Callable[..., Any])


class ApiClient:
    """The tenant API at `url`. A request that fails says what, why and the next command, and ends the program."""

    prefix = "/api/v1"

    def __init__(self, url: str, key: str) -> None:
        self.url = url.rstrip("/")
        self.place: Callable[[str | None], str] | None = None
        """Where what a refusal names is, in files that made up the body."""
        self._headers = {"Authorization": f"Bearer {key}", "User-Agent": "farwatch-cli", "X-Farwatch-Source": "cli"}

    def get(self, path: str, **query: Any) -> Any:
        """The decoded body of a GET. Query values of None are left out."""
        return self.send("GET", path, query={k: v for k, v in query.items() if v is not None})

    def send(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Any:
        """The decoded body; None when there is none."""
        response = self._request(method, path, body=body, query=query, headers=headers, timeout_s=timeout_s)
        return response.json() if response.content else None

    def download(self, path: str, **query: Any) -> bytes:
        """The body of a GET as it is. Query values of None are left out."""
        return self._request("GET", path, query={k: v for k, v in query.items() if v is not None}).content

    def _request(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> httpx.Response:
        try:
            response = httpx.request(
                method,
                f"{self.url}{self.prefix}{path}",
                json=body,
                params=query,
                headers={**self._headers, **(headers or {})},
                timeout=timeout_s,
                trust_env=False,
            )
        except httpx.HTTPError as error:
            self.unreachable(error)
        if not response.is_success:
            self.refused(response)
        return response

    def upload(
        self,
        path: str,
        content: bytes,
        *,
        kind: str,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
    ) -> Any:
        """The decoded answer to a POST, or a PUT, of a file of this media type."""
        sent = {**self._headers, **(headers or {}), "Content-Type": kind}
        url = f"{self.url}{self.prefix}{path}"
        try:
            response = httpx.request(
                method, url, content=content, params=query, headers=sent, timeout=UPLOAD_TIMEOUT_S, trust_env=False
            )
        except httpx.HTTPError as error:
            self.unreachable(error)
        if not response.is_success:
            self.refused(response)
        return response.json()

    def streaming(self) -> httpx.Client:
        """A client for long-lived streams; the caller opens one."""
        return httpx.Client(
            base_url=self.url,
            headers={**self._headers, "Accept": "text/event-stream"},
            timeout=httpx.Timeout(TIMEOUT_S, read=60.0),
            trust_env=False,
        )

    def unreachable(self, error: Exception) -> NoReturn:
        """Nobody answers."""
        say(f"{self.url} cannot be reached: {error}. Is it running? Start it with: farwatch up", style="red")
        sys.exit(exit_codes.UNREACHABLE)

    def refused(self, response: httpx.Response) -> NoReturn:
        """An error in the envelope, or something that is not Farwatch."""
        try:
            error = response.json()["error"]
            text, code, field = error["message"], error["code"], error.get("field")
        except (ValueError, KeyError, TypeError):
            say(
                f"{self.url} answered {response.status_code} without our error envelope: is that Farwatch?", style="red"
            )
            sys.exit(exit_codes.FAILED)
        self._tell(code, text, field)
        for other in (error.get("details") or {}).get("also", ()):
            self._tell(other["code"], other["message"], other["field"])
        sys.exit(_status(response.status_code))

    def _tell(self, code: str, text: str, field: str | None) -> None:
        place = self.place(field) if self.place is not None else ""
        at = f" (at {field})" if field else ""
        say(f"{f'{place}: ' if place else ''}{code}: {text}{at}", style="red")


def _status(http_status: int) -> int:
    match http_status:
        case 401 | 403:
            say("Give a key with --key or FARWATCH_CLI__KEY; see which one is used with: farwatch me")
            return exit_codes.AUTH
        case 404:
            return exit_codes.NOT_FOUND
        case 503:
            return exit_codes.UNREACHABLE
        case _:
            return exit_codes.FAILED


def with_client(function: F) -> F:
    """Give the command `--url` and `--key`, and itself an ApiClient as first argument."""

    @click.option("--url", envvar="FARWATCH_CLI__URL", default=None, help="Control plane; default: the local one.")
    @click.option("--key", envvar="FARWATCH_CLI__KEY", default=None, help="API key; default: the local one's.")
    @wraps(function)
    def command(*args: Any, url: str | None, key: str | None, **kwargs: Any) -> Any:
        return function(_client(url, key), *args, **kwargs)

    return command  # type: ignore[return-value]


def _client(url: str | None, key: str | None) -> ApiClient:
    local = Installation(default_directory())
    if key is None and (url is None or url == local.address()) and os.access(local.directory / "keys.json", os.R_OK):
        keys = local.keys()
        key = keys.api_key if keys else None
        url = url or local.address()
    if key is None:
        say("No API key: give --key or set FARWATCH_CLI__KEY. `farwatch up` prints the first one.", style="red")
        sys.exit(exit_codes.AUTH)
    return ApiClient(url or DEFAULT_URL, key)
