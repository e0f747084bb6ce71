"""What a Pushover channel may be, as Pushover documents it (https://pushover.net/api). Pure."""

from __future__ import annotations

import re

from control_plane.domain.channels import channel_rules

_KEY = re.compile(r"[A-Za-z0-9]{30}")
_DEVICES = re.compile(r"[A-Za-z0-9_-]{1,25}(,[A-Za-z0-9_-]{1,25}){0,9}")


def check(*, token: str, user: str, device: str | None) -> None:
    """Keys of 30 letters and digits; devices by name. Raises BadRequest INVALID_CHANNEL_CONFIG."""
    for name, key, what in (("token", token, "An application's token"), ("user", user, "A user's or group's key")):
        if not _KEY.fullmatch(key):
            raise channel_rules.invalid(f"{what} is 30 letters and digits", field=f"/config/{name}")
    if device is not None and not _DEVICES.fullmatch(device):
        raise channel_rules.invalid(
            "A device's name is 1 to 25 letters, digits, _ and -; several are parted by commas", field="/config/device"
        )
