"""Results on disk: whatever is cut off, torn or full, nothing acknowledged comes back and nothing else is lost."""

from __future__ import annotations

import os
import random
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from agent.shipping import segment
from agent.shipping.spool import SEGMENT_BYTES, Spool
from shared.results import CheckResult, Detail, Outcome


def reopened(spool: Spool, directory: Path) -> Spool:
    """As after kill -9: nothing is closed in order, and the next process reads the directory."""
    spool.close()
    return Spool(directory)


def waiting(spool: Spool) -> list[bytes]:
    found: list[bytes] = []
    while batch := spool.oldest(before=spool.next_number, limit=1000):
        found += [item.data for item in batch]
        spool.acknowledge(item.number for item in batch)
    return found


def test_what_is_written_and_not_acknowledged_is_there_at_the_next_start(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    numbers = spool.append([b"a", b"b", b"c"])
    spool.acknowledge(numbers[1:2])
    spool = reopened(spool, tmp_path)
    assert spool.pending == 2
    assert waiting(spool) == [b"a", b"c"]
    assert waiting(reopened(spool, tmp_path)) == []


@pytest.mark.parametrize("cut", [1, 5, 9, 10])
def test_a_torn_tail_is_dropped_and_what_is_before_it_kept(tmp_path: Path, cut: int) -> None:
    spool = Spool(tmp_path)
    spool.append([b"first", b"second"])
    spool.close()
    (path,) = tmp_path.glob("*.seg")
    path.write_bytes(path.read_bytes()[:-cut])
    again = Spool(tmp_path)
    assert waiting(again) == [b"first"]


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([b"first", b"second"])
    spool.close()
    (path,) = tmp_path.glob("*.seg")
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(bytes(data))
    assert waiting(Spool(tmp_path)) == [b"first"]


def test_numbers_go_on_after_a_restart_so_that_old_acknowledgements_settle_nothing_new(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.acknowledge(spool.append([b"a"] * 10))
    spool = reopened(spool, tmp_path)
    spool.append([b"new"])
    assert waiting(reopened(spool, tmp_path)) == [b"new"]


def test_what_was_acknowledged_stays_so_over_any_number_of_restarts(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([b"a", b"b"])
    spool = reopened(spool, tmp_path)
    spool.acknowledge([1])
    for _ in range(3):
        spool = reopened(spool, tmp_path)
        assert [item.data for item in spool.oldest(before=spool.next_number, limit=10)] == [b"a"]


def test_an_acknowledgement_outlives_the_segment_that_it_stands_in(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([b"a", b"b"])
    spool._close_current()
    (later,) = spool.append([b"c"])
    spool.acknowledge([0])
    spool._close_current()
    spool.acknowledge([later])
    assert waiting(reopened(spool, tmp_path)) == [b"b"]


def test_a_days_backlog_takes_little_memory(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    tracemalloc.start()
    for _ in range(100):
        spool.append([b"x"] * 1000)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert spool.pending == 100_000
    assert used < 500_000, "a few bytes each, where a set of their numbers would take a hundred"


def test_beyond_the_limit_the_oldest_are_dropped_and_counted(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit=2 * SEGMENT_BYTES)
    rng = random.Random(1)
    items = [b"%06d" % number + rng.randbytes(4000) for number in range(1500)]
    for start in range(0, len(items), 50):
        spool.append(items[start : start + 50])
    assert spool.size <= 2 * SEGMENT_BYTES + 50 * 4100
    left = waiting(spool)
    assert left == items[-len(left) :]
    assert spool.dropped == len(items) - len(left)


@pytest.mark.parametrize("damage", [b"", b"not zlib at all"])
def test_a_segment_that_cannot_be_read_is_passed_over_and_counted(tmp_path: Path, damage: bytes) -> None:
    spool = Spool(tmp_path)
    for item in (b"one", b"two", b"three"):
        spool.append([item])
        spool._close_current()
    (tmp_path / "0000000000000001.segz").write_bytes(damage)
    assert waiting(spool) == [b"one", b"three"]
    assert (spool.pending, spool.dropped) == (0, 1)


def test_a_segment_that_cannot_be_opened_now_waits_and_holds_up_no_other(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for item in (b"one", b"two"):
        spool.append([item])
        spool._close_current()
    path = tmp_path / "0000000000000000.segz"
    data = path.read_bytes()
    path.unlink()
    path.mkdir()  # even root cannot read this
    assert waiting(spool) == [b"two"]
    path.rmdir()
    path.write_bytes(data)
    assert waiting(spool) == [b"one"]
    assert spool.dropped == 0


def test_a_segment_that_cannot_be_opened_at_the_start_is_left_where_it_is(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([b"one"])
    spool._close_current()
    spool.close()
    (tmp_path / "0000000000000000.segz").unlink()
    (tmp_path / "0000000000000000.segz").mkdir()
    again = Spool(tmp_path)
    again.append([b"new"])
    assert waiting(again) == [b"new"]
    assert (tmp_path / "0000000000000000.segz").exists()


def test_a_segment_that_stays_unreadable_is_warned_of_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for item in (b"one", b"two"):
        spool.append([item])
        spool._close_current()
    for number in (0, 1):
        path = tmp_path / f"{number:016d}.segz"
        path.unlink()
        path.mkdir()
    with capture_logs() as logs:
        for _ in range(5):
            assert waiting(spool) == []
    assert [(each["log_level"], each["first"]) for each in logs] == [("warning", 0), ("warning", 1)]


def test_a_segment_left_unread_counts_towards_the_limit_and_goes_first(tmp_path: Path) -> None:
    left = tmp_path / "0000000000000000.segz"
    left.symlink_to(_unreadable(tmp_path))
    spool = Spool(tmp_path, limit=SEGMENT_BYTES // 2)
    assert spool.size == left.stat().st_size
    spool.append([b"x" * (SEGMENT_BYTES // 2)])
    assert not left.is_symlink()
    assert spool.size <= SEGMENT_BYTES // 2 + 20
    assert spool.pending == 1


def test_a_segment_that_cannot_be_dropped_does_not_fail_what_is_written(tmp_path: Path) -> None:
    (tmp_path / "0000000000000000.segz").mkdir()
    spool = Spool(tmp_path, limit=10)
    spool.append([b"one"])
    spool._close_current()
    spool.append([b"two"])
    assert spool.dropped == 1
    assert waiting(spool) == [b"two"]


def _unreadable(directory: Path) -> Path:
    """Something that has a size but that not even root can read."""
    target = directory / "unreadable"
    target.mkdir()
    return target


def test_settled_segments_leave_no_files_behind(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for _ in range(40):
        spool.acknowledge(spool.append([b"x" * 50_000] * 2))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 2 * SEGMENT_BYTES
    assert len(list(tmp_path.iterdir())) == 1


def test_a_disk_that_refuses_costs_what_it_refuses_and_nothing_written_before(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([b"safe"])
    with _disk_full(spool), pytest.raises(OSError, match="No space left"):
        spool.append([b"lost"])
    spool.append([b"after"])
    assert waiting(reopened(spool, tmp_path)) == [b"safe", b"after"]


@contextmanager
def _disk_full(spool: Spool) -> Iterator[None]:
    """Every write of the spool fails; so does cutting off what it wrote, as on a disk that is broken altogether."""
    real, spool._file = spool._file, os.open("/dev/full", os.O_WRONLY)
    full = spool._file
    try:
        yield
    finally:
        if spool._file == full:
            os.close(full)
            spool._file = real
        else:  # it has given that file up
            os.close(real)


def test_a_file_that_cannot_be_made_now_is_made_with_a_later_result(tmp_path: Path) -> None:
    directory = tmp_path / "spool"
    spool = Spool(directory)
    spool.append([b"x" * 300_000])
    directory.rename(tmp_path / "away")
    spool.acknowledge([0])  # all of it is settled: it begins anew
    with pytest.raises(OSError, match="No such file"):
        spool.append([b"lost"])
    (tmp_path / "away").rename(directory)
    spool.append([b"after"])
    assert waiting(reopened(spool, directory)) == [b"x" * 300_000, b"after"]  # nobody could note the acknowledgement


def test_a_segment_that_cannot_be_packed_stays_as_it_is_and_leaves_nothing_half_done(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([b"one"])
    (tmp_path / "0000000000000000.tmp").mkdir()  # in the way
    spool._close_current()
    spool.append([b"two"])
    (tmp_path / "0000000000000000.tmp").rmdir()
    assert waiting(reopened(spool, tmp_path)) == [b"one", b"two"]


def test_a_process_that_died_while_it_packed_leaves_each_result_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([b"one", b"two"])
    plain = (tmp_path / "0000000000000000.seg").read_bytes()
    spool._close_current()
    (tmp_path / "0000000000000000.seg").write_bytes(plain)  # as if it had not come to removing it
    spool = reopened(spool, tmp_path)
    assert spool.pending == 2
    assert waiting(spool) == [b"one", b"two"]


def test_a_start_reads_of_a_packed_segment_no_more_than_its_trailer(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([b"x" * 1000] * 50)
    spool.acknowledge([3, 4])
    spool._close_current()
    spool.close()
    (path,) = tmp_path.glob("*.segz")
    whole = path.read_bytes()
    path.write_bytes(b"?" + whole[1:])  # nothing can be unpacked
    assert Spool(tmp_path).pending == 48
    path.write_bytes(whole[:-1])  # no trailer: it is unpacked
    assert Spool(tmp_path).pending == 48


@pytest.mark.parametrize("tail", [b"", b"FWsg", b"\xff" * 12 + b"FWsg", bytes(12) + b"FWsg"])
def test_what_only_looks_like_a_trailer_is_not_believed(tmp_path: Path, tail: bytes) -> None:
    path = tmp_path / "0000000000000007.segz"
    path.write_bytes(zlib.compress(segment.encode_items([b"a", b"b"])) + tail)
    assert segment.summary(path) == segment.Summary(2, ())


def test_a_full_disk_gets_its_space_back_when_all_is_settled(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([b"x" * 1000] * 10)
    with _disk_full(spool):
        spool.acknowledge(range(10))
    assert spool.pending == 0
    assert list(tmp_path.iterdir()) == []
    assert reopened(spool, tmp_path).pending == 0


def test_a_day_at_a_thousand_a_minute_fits_into_two_hundred_megabytes(tmp_path: Path) -> None:
    rng = random.Random(7)
    spool = Spool(tmp_path)
    total = 20_000
    for start in range(0, total, 17):
        spool.append([_typical(rng, start + each) for each in range(17)])
    closed = sum(part.size for part in spool._segments[:-1])
    items = sum(part.left for part in spool._segments[:-1])
    assert closed / items * 24 * 60 * 1000 < 200_000_000


def _typical(rng: random.Random, number: int) -> bytes:
    def ms() -> float:
        return round(rng.uniform(0, 300), 3)

    return msgspec.json.encode(
        CheckResult(
            monitor_id=UUID(int=(0x0190 << 112) + number % 1000 * 0x1234567890ABCDEF),
            check_version=1,
            slot=1_800_000_000_000 + number * 60,
            outcome=Outcome.UP,
            http_status=200,
            dns=ms(),
            connect=ms(),
            tls=ms(),
            ttfb=ms(),
            download=ms(),
            total=ms(),
            detail=Detail(
                address=f"203.0.113.{number % 250}",
                http_version="1.1",
                tls_version="TLSv1.3",
                cipher="TLS_AES_256_GCM_SHA384",
                cert_expires_at=1_810_000_000 + number % 1000,
            ),
        )
    )


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=8)),
        st.tuples(st.just("acknowledge"), st.integers(0, 100)),
        st.tuples(st.just("restart"), st.none()),
        st.tuples(st.just("roll"), st.none()),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, seed=st.integers(0, 2**16))
def test_whatever_happens_in_whatever_order_exactly_the_unacknowledged_remain(
    tmp_path_factory: pytest.TempPathFactory, steps: Any, seed: int
) -> None:
    directory = tmp_path_factory.mktemp("spool")
    rng = random.Random(seed)
    spool = Spool(directory)
    model: dict[int, bytes] = {}
    for step, argument in steps:
        match step:
            case "append":
                model.update(zip(spool.append(argument), argument, strict=True))
            case "acknowledge":
                chosen = rng.sample(sorted(model), min(len(model), argument))
                spool.acknowledge(chosen)
                for number in chosen:
                    del model[number]
            case "restart":
                spool = reopened(spool, directory)
            case "roll":
                spool._close_current()
        assert spool.pending == len(model)
    assert waiting(spool) == [model[number] for number in sorted(model)]
    spool.close()


@given(items=st.lists(st.binary(max_size=200), max_size=20))
def test_records_read_back_as_written(tmp_path_factory: pytest.TempPathFactory, items: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("segment") / "0.seg"
    path.write_bytes(segment.encode_items(items) + segment.encode_acknowledgements([(1, 5)]))
    contents = segment.read(path)
    assert contents == segment.Contents(tuple(items), ((1, 5),), is_torn=False)
