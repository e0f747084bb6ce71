"""What a mail server needs to be told of, and what refuses to start."""

from __future__ import annotations

import pytest

from control_plane.errors import StartupRefused
from control_plane.notify.mail import sender_of
from control_plane.settings import EmailSettings, load_settings

GOOD = {
    "FARWATCH_SERVER__PUBLIC_URL": "https://farwatch.example",
    "FARWATCH_EMAIL__HOST": "smtp.example",
    "FARWATCH_EMAIL__SENDER": "Farwatch <alerts@farwatch.example>",
}


@pytest.mark.parametrize(
    ("sender", "address"),
    [
        ("alerts@farwatch.example", "alerts@farwatch.example"),
        ("Farwatch <alerts@farwatch.example>", "alerts@farwatch.example"),
        ("Wächter <a+b@xn--bcher-kva.example>", "a+b@xn--bcher-kva.example"),
        ("root@localhost", "root@localhost"),
    ],
)
def test_a_sender_is_an_address_alone_or_after_a_name(sender: str, address: str) -> None:
    settings = load_settings(GOOD | {"FARWATCH_EMAIL__SENDER": sender})
    assert sender_of(settings.email).addr_spec == address


@pytest.mark.parametrize(
    "over",
    [
        {"FARWATCH_EMAIL__SENDER": ""},
        {"FARWATCH_EMAIL__SENDER": "Farwatch"},
        {"FARWATCH_EMAIL__SENDER": "a@b.example, c@d.example"},
        {"FARWATCH_EMAIL__SENDER": "Farwatch <a@b.example"},
        {"FARWATCH_EMAIL__SENDER": "Farwatch\r\nBcc: x <a@b.example>"},
        {"FARWATCH_EMAIL__SENDER": "a@bücher.example"},
        {"FARWATCH_EMAIL__REPLY_TO": "nobody"},
        {"FARWATCH_EMAIL__USERNAME": "farwatch"},
        {"FARWATCH_SERVER__PUBLIC_URL": ""},
    ],
    ids=["none", "no-address", "two", "open", "break", "unicode", "reply-to", "no-password", "no-url"],
)
def test_what_cannot_work_refuses_to_start(over: dict[str, str]) -> None:
    with pytest.raises(StartupRefused):
        load_settings(GOOD | over)


def test_without_a_host_nothing_is_asked_for() -> None:
    assert load_settings({}).email == EmailSettings()
