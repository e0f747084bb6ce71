"""Sums over process trees."""

from __future__ import annotations

import os
import time

import pytest

from tests.bench.cpu import Stat, cpu_seconds, difference, parse_stat, tree_seconds

_TICK = 1 / os.sysconf("SC_CLK_TCK")


def test_a_stat_line_is_read_past_any_name() -> None:
    line = "42 (a (b) c) S 7 42 42 0 -1 4194304 100 0 0 0 3 4 5 6 20 0 1 0 100 0 0"
    assert parse_stat(line) == Stat(pid=42, parent=7, seconds=18 * _TICK)


def test_a_tree_is_its_root_and_all_below() -> None:
    stats = [Stat(1, 0, 100.0), Stat(2, 1, 1.0), Stat(3, 2, 2.0), Stat(4, 3, 4.0), Stat(5, 1, 50.0)]
    assert tree_seconds(stats, 2) == 7.0


def test_a_tree_whose_root_is_gone_is_not_zero() -> None:
    with pytest.raises(KeyError):
        tree_seconds([Stat(1, 0, 1.0)], 2)


def test_work_of_this_process_is_counted() -> None:
    before = cpu_seconds({"me": os.getpid()})
    begun = time.process_time()
    while time.process_time() < begun + 0.05:
        sum(range(10_000))
    assert difference(before, cpu_seconds({"me": os.getpid()}))["me"] > 0.02
