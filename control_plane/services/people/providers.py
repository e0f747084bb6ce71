"""The providers that the settings name: GitHub, and any number that speak OpenID Connect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from msgspec import Struct

from control_plane.notify.guarded_http import GuardedHttp
from control_plane.services.people.ask_github import GithubClient
from control_plane.services.people.ask_oidc import OidcClient
from control_plane.services.people.provider import Provider, ProviderHttp
from control_plane.settings import Settings
from shared.netpolicy import Policy

GITHUB = "github"


class Offer(Struct, frozen=True):
    """A provider as the sign-in page offers it."""

    name: str
    title: str


def providers_of(settings: Settings) -> Sequence[Offer]:
    """The ways in besides an API key, in the order of the settings."""
    github = [Offer(GITHUB, "GitHub")] if settings.auth.github_client_id else []
    return [*github, *(Offer(each.name, each.title or each.name) for each in settings.auth.oidc)]


class Providers:
    """The clients of this process's providers, made at first use; each remembers its metadata and keys."""

    def __init__(self) -> None:
        self._clients: Mapping[str, Provider] | None = None

    def get(self, name: str, settings: Settings) -> Provider | None:
        """The provider of this name; None when the settings name none."""
        if self._clients is None:
            self._clients = _clients(settings)
        return self._clients.get(name)


def _clients(settings: Settings) -> Mapping[str, Provider]:
    auth = settings.auth
    http = GuardedHttp(Policy.of(auth.allow_cidrs), timeout=timedelta(seconds=auth.timeout_s))
    clients: dict[str, Provider] = {}
    if auth.github_client_id:
        clients[GITHUB] = GithubClient(auth, ProviderHttp(http, title="GitHub"))
    for each in auth.oidc:
        clients[each.name] = OidcClient(each, ProviderHttp(http, title=each.title or each.name))
    return clients
