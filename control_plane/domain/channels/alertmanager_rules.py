"""What an Alertmanager channel may be, and the labels that its alerts carry. Pure.

https://prometheus.io/docs/alerting/latest/clients/ and https://prometheus.io/docs/concepts/data_model/
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from control_plane.domain.channels import channel_rules
from shared.netpolicy import HttpUrl

_OTHER = re.compile(r"[^a-zA-Z0-9_]+")
_PAIR = re.compile(r"(?P<name>[^:=]+)[:=](?P<value>.+)", re.DOTALL)


def check_root(url: HttpUrl) -> None:
    """Where Alertmanager is, its route prefix included. Raises BadRequest INVALID_CHANNEL_CONFIG."""
    path, _, query = url.path_and_query.partition("?")
    if query or url.path_and_query.endswith("?"):
        raise channel_rules.invalid("The root of an Alertmanager has no query", field="/config/url")
    if re.search(r"/api/v\d", path):
        raise channel_rules.invalid(
            "Give the root of the Alertmanager, such as https://alertmanager.example.com: /api/v2/alerts is added",
            field="/config/url",
        )


def label_name(text: str) -> str:
    """A label's name as Prometheus takes it: letters, digits and _, with tag_ before it so that it is nobody else's."""
    return "tag_" + (_OTHER.sub("_", text).strip("_").lower() or "_")


def tag_labels(tags: Iterable[str]) -> dict[str, str]:
    """Of `env:prod` the label tag_env="prod", of `prod` tag_prod="true". Where two make one name, the first counts."""
    labels: dict[str, str] = {}
    for tag in tags:
        pair = _PAIR.fullmatch(tag)
        name, value = (pair["name"], pair["value"]) if pair else (tag, "true")
        labels.setdefault(label_name(name), value)
    return labels
