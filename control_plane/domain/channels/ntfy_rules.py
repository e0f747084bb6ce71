"""What an ntfy channel may be, as ntfy documents it (https://docs.ntfy.sh/publish/). Pure."""

from __future__ import annotations

import re

from control_plane.domain.channels import channel_rules
from shared.netpolicy import HttpUrl

_TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")


def check_topic(topic: str) -> None:
    """1 to 64 letters, digits, _ and -. Raises BadRequest INVALID_CHANNEL_CONFIG."""
    if not _TOPIC.fullmatch(topic):
        raise channel_rules.invalid("A topic is 1 to 64 letters, digits, _ and -", field="/config/topic")


def check_root(url: HttpUrl) -> None:
    """JSON is published to the root of a server and nowhere else."""
    if url.path_and_query != "/":
        raise channel_rules.invalid(
            "server_url is the bare root of the server, without path or query: the topic is a field of its own",
            field="/config/server_url",
        )
