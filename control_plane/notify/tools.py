"""What transports are made of: the guarded way out, and what the operator has set for the kinds that need it."""

from __future__ import annotations

from msgspec import Struct

from control_plane.notify.guarded_http import GuardedHttp
from control_plane.settings import Settings


class Tools(Struct, frozen=True):
    """Given to every transport's factory, once per settings."""

    http: GuardedHttp
    settings: Settings
