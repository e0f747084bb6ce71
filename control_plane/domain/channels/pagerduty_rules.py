"""What a PagerDuty channel may be, by PagerDuty's documentation of the Events API v2. Pure.

https://developer.pagerduty.com/docs/send-alert-event
"""

from __future__ import annotations

import re

from control_plane.domain.channels import channel_rules

REGIONS = ("us", "eu")
"""PagerDuty's service regions; an account lives in one of them, and its keys are known there only."""

_ROUTING_KEY = re.compile(r"[A-Za-z0-9]{32}")


def check_routing_key(key: str) -> None:
    """The integration key of a service or an orchestration. Raises BadRequest INVALID_CHANNEL_CONFIG."""
    if not _ROUTING_KEY.fullmatch(key):
        raise channel_rules.invalid(
            "A routing key is 32 letters and digits: the Integration Key of an Events API v2 integration",
            field="/config/routing_key",
        )
