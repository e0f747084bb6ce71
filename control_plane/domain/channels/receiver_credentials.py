"""How a channel proves itself to a server of the tenant's: a Bearer token, a name and a password, or nothing. Pure."""

from __future__ import annotations

import re

from control_plane.domain.channels import channel_rules

_PRINTABLE = re.compile(r"[\x21-\x7e]{1,256}")
_CREDENTIAL = re.compile(r"[^\x00-\x1f\x7f]{1,256}")


def check_credentials(access_token: str | None, *, username: str | None, password: str | None) -> None:
    """One way of proving who we are, or none; what it is may stand in a header."""
    if access_token is not None and (username is not None or password is not None):
        raise channel_rules.invalid(
            "Give an access token, or a username and a password, not both", field="/config/access_token"
        )
    if access_token is not None and not _PRINTABLE.fullmatch(access_token):
        raise channel_rules.invalid("An access token is printable ASCII without blanks", field="/config/access_token")
    if (username is None) != (password is None):
        missing = "password" if password is None else "username"
        raise channel_rules.invalid("A username and a password come together", field=f"/config/{missing}")
    if username is not None and (":" in username or not _CREDENTIAL.fullmatch(username)):
        raise channel_rules.invalid("A username has no colon and no control characters", field="/config/username")
    if password is not None and not _CREDENTIAL.fullmatch(password):
        raise channel_rules.invalid("A password is 1 to 256 characters, none of them control", field="/config/password")
