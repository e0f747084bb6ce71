"""Who holds a place among a key's streams, or an address's, and that it is given back once, in whatever order."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest

from control_plane.errors import TooMany
from control_plane.metrics import STREAMS
from control_plane.web import page_streams, streams
from control_plane.web.page_streams import PageStreams
from control_plane.web.sse import Reader
from control_plane.web.streams import EventStreams, Watcher
from tests.unit.web.test_sse import Clock, Line, a_reader

KEY = UUID(int=7)
WATCHER = Watcher(cast("Any", UUID(int=1)), KEY, cast("Any", None))
SLUG, ADDRESS = "acme", "192.0.2.7"


class OfKeys:
    """The streams of a tenant's keys."""

    most = streams.STREAMS_PER_KEY

    def __init__(self) -> None:
        self._all = EventStreams()
        self.fed: set[Reader] = set()
        stream = cast("Any", SimpleNamespace(readers=self.fed))
        self._all._streams[WATCHER.tenant_id] = stream, cast("Any", None)

    def come(self, reader: Reader) -> None:
        self._all._enter(KEY, reader)
        self.fed.add(reader)

    def leave(self, reader: Reader) -> None:
        self._all._leave(WATCHER, reader)

    @property
    def places(self) -> int:
        return len(self._all._by_key)


class OfAddresses:
    """The streams of status pages."""

    most = page_streams.STREAMS_PER_ADDRESS

    def __init__(self) -> None:
        self._all = PageStreams()
        self.fed: set[Reader] = set()
        stream = cast("Any", SimpleNamespace(readers=self.fed))
        self._all._streams[SLUG] = stream, cast("Any", None)

    def come(self, reader: Reader) -> None:
        self._all._enter(ADDRESS, reader)
        self.fed.add(reader)

    def leave(self, reader: Reader) -> None:
        self._all._leave(SLUG, ADDRESS, reader)

    @property
    def places(self) -> int:
        return len(self._all._by_address)


@pytest.mark.parametrize("kind", [OfKeys, OfAddresses], ids=["keys", "addresses"])
async def test_a_reader_that_was_found_gone_by_another_leaves_after_it(kind: type[OfKeys | OfAddresses]) -> None:
    held, open_before, (gone, line) = kind(), STREAMS._value.get(), _reader()
    other, _ = _reader()
    held.come(gone)
    line.aborted = True
    held.come(other)
    held.leave(other)
    assert held.fed == {gone}, "its own handler has not ended yet"
    held.leave(gone)
    assert held.fed == set()
    assert held.places == 0
    assert STREAMS._value.get() == open_before


@pytest.mark.parametrize("kind", [OfKeys, OfAddresses], ids=["keys", "addresses"])
async def test_the_places_of_readers_that_are_gone_are_free_for_others(kind: type[OfKeys | OfAddresses]) -> None:
    held, first = kind(), [_reader() for _ in range(kind.most)]
    for reader, _ in first:
        held.come(reader)
    late, _ = _reader()
    with pytest.raises(TooMany):
        held.come(late)
    first[0][1].aborted = True
    held.come(late)
    for reader in (late, *(reader for reader, _ in first)):
        held.leave(reader)
    assert (held.places, held.fed) == (0, set())


def _reader() -> tuple[Reader, Line]:
    line = Line()
    return a_reader(line, Clock()), line
