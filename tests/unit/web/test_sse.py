"""What goes out to many readers at once, and who is let go."""

from __future__ import annotations

import asyncio
from uuid import UUID

from control_plane.web.sse import STALLED_S, Filter, Parcel, Reader, encode_frame

ONE, OTHER = UUID(int=1), UUID(int=2)
DOWN = encode_frame(event="incident.opened", data="{}", number=7, monitor_id=ONE)
UP = encode_frame(event="incident.resolved", data="{}", number=8, monitor_id=OTHER)
CHECK = encode_frame(event="check.completed", data="{}", monitor_id=ONE)


class Line(asyncio.WriteTransport):
    """A connection whose other side takes bytes when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.left = 0
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview[int]) -> None:
        self.sent += data
        self.left += len(data)

    def get_write_buffer_size(self) -> int:
        return self.left

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def a_reader(line: Line, clock: Clock, *, after: int = 0) -> Reader:
    reader = Reader(line, wants=Filter(), after=after, chunked=False, clock=clock)
    reader.release()
    return reader


def test_what_goes_out_together_is_put_together_once_for_all_who_want_the_same() -> None:
    parcel, wants = Parcel([DOWN, UP]), Filter(monitor_id=ONE)
    assert parcel.form(Filter(), chunked=False) == DOWN.data + UP.data
    assert parcel.form(wants, chunked=False) == DOWN.data
    assert parcel.form(wants, chunked=False) is parcel.form(Filter(monitor_id=UUID(int=1)), chunked=False)
    assert parcel.form(wants, chunked=True) == b"%x\r\n%b\r\n" % (len(DOWN.data), DOWN.data)
    assert parcel.form(Filter(monitor_id=UUID(int=3)), chunked=True) == b""


def test_a_reader_is_told_only_what_it_does_not_know_yet() -> None:
    line = Line()
    reader = a_reader(line, Clock(), after=7)
    reader.offer(Parcel([DOWN, UP, CHECK]))
    reader.offer(Parcel([DOWN, UP]))
    assert line.sent == UP.data + CHECK.data
    assert reader.after == 8


def test_who_takes_nothing_of_what_waits_is_cut_off_after_a_while() -> None:
    line, clock = Line(), Clock()
    reader = a_reader(line, clock)
    reader.offer(Parcel([DOWN]))
    clock.now += STALLED_S
    reader.offer(Parcel([UP]))
    assert not reader.gone, "not longer than that"
    clock.now += 0.1
    reader.look()
    assert reader.cut_off
    assert line.aborted
    reader.offer(Parcel([CHECK]))
    assert line.sent == DOWN.data + UP.data


def test_who_reads_slowly_or_has_nothing_waiting_stays() -> None:
    line, clock = Line(), Clock()
    reader = a_reader(line, clock)
    for parcel in (Parcel([DOWN]), Parcel([UP]), Parcel([CHECK])):
        reader.offer(parcel)
        clock.now += 2 * STALLED_S
        line.left -= 1
        reader.look()
    line.left = 0
    clock.now += 100
    reader.look()
    reader.offer(Parcel([CHECK]))
    clock.now += STALLED_S
    reader.look()
    assert not reader.gone
