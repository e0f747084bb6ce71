"""What the doctor found, one by one."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Finding(Struct, frozen=True):
    """`remedy` says what to do about it; `exit_code` is above 0 when the agent cannot work like this."""

    subject: str
    text: str
    remedy: str | None = None
    exit_code: int = 0
    is_warning: bool = False

    @property
    def status(self) -> Literal["ok", "warning", "failed"]:
        return "failed" if self.exit_code else "warning" if self.is_warning else "ok"


def ok(subject: str, text: str) -> Finding:
    return Finding(subject, text)


def warn(subject: str, text: str, remedy: str | None = None) -> Finding:
    return Finding(subject, text, remedy, is_warning=True)


def fail(subject: str, text: str, remedy: str | None = None, *, exit_code: int = 1) -> Finding:
    return Finding(subject, text, remedy, exit_code)
