"""The submission rules of a check: decoded JSON in, a `Check` with every default filled in out."""

from __future__ import annotations

from shared.checks import Check


def read_check(value: object, *, stored: Check | None = None, policy_is_private: bool) -> Check:
    """A check as submitted, or merged onto `stored` (JSON merge patch; a string replaces).

    `stored` may carry its secrets opened or masked: what is kept comes back as it was. Raises BadRequest with a JSON
    Pointer below /check. `policy_is_private`: all regions of the monitor are private, so their agents judge the address.
    """
    raise NotImplementedError
