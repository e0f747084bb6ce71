"""Times, spans and sentences as messages say them. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

MAX_TEXT = 300
"""Characters of a cause or a reason: what a check saw may be longer than a message."""

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def span(length: timedelta) -> str:
    """The two largest parts, cut and never rounded up: 2 d 4 h, 1 h 5 min, 12 min, 45 s."""
    left = max(0, int(length.total_seconds()))
    for (name, size), following in zip(_UNITS, (*_UNITS[1:], None), strict=True):
        if left < size and size > 1:
            continue
        count, rest = divmod(left, size)
        if following is None or name == "min":
            return f"{count} {name}"
        lesser = rest // following[1]
        return f"{count} {name} {lesser} {following[0]}" if lesser else f"{count} {name}"
    raise AssertionError("every length has seconds")


def milliseconds(value: float) -> str:
    """A measured time, which is never nothing: 0.02 ms, 8.4 ms, 240 ms, 1.25 s."""
    if value < 0.095:
        return f"{value:.2f} ms"  # an echo from this machine
    if value < 9.95:
        return f"{value:.1f} ms"
    return f"{value:.0f} ms" if value < 999.5 else f"{value / 1000:.2f} s"


def moment(at: datetime, *, now: datetime | None) -> str:
    """14:05 UTC, with the day where that is not today."""
    if now is not None and at.date() == now.date():
        return f"{at:%H:%M} UTC"
    return f"{at:%-d %B %Y, %H:%M} UTC"


def counted(number: int) -> str:
    """With gaps as people write large numbers: 1 985."""
    return f"{number:,}".replace(",", " ")


def short(text: str) -> str:
    """One line, cut."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1] + "…"
