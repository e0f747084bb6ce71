"""Who runs a monitor."""

from __future__ import annotations

from collections import Counter
from uuid import UUID, uuid4

from agent.schedule.rendezvous import Share, mine

AGENTS = [UUID(int=(7 << 64) + number) for number in range(4)]
# As alike as UUIDv7 made in one millisecond are.
MONITORS = [UUID(int=(0x0190_0000_0000_7000 << 64) + (0x8000 << 48) + number) for number in range(20_000)]


def owner(monitor: UUID, agents: list[UUID]) -> UUID:
    (only,) = [agent for agent in agents if mine(monitor, agents, agent)]
    return only


def test_every_monitor_has_exactly_one_owner_and_shares_are_even() -> None:
    shares = Counter(owner(monitor, AGENTS) for monitor in MONITORS)
    assert set(shares) == set(AGENTS)
    assert max(shares.values()) / min(shares.values()) < 1.08


def test_only_the_lost_agents_share_moves_and_it_is_spread_over_the_others() -> None:
    lost, left = AGENTS[0], AGENTS[1:]
    gained: Counter[UUID] = Counter()
    for monitor in MONITORS:
        before, after = owner(monitor, AGENTS), owner(monitor, left)
        if before == lost:
            gained[after] += 1
        else:
            assert after == before
    assert max(gained.values()) / min(gained.values()) < 1.15


def test_an_agent_that_is_not_live_has_no_share() -> None:
    assert not any(mine(monitor, AGENTS, uuid4()) for monitor in MONITORS[:100])


def test_a_single_agent_has_all() -> None:
    share = Share((AGENTS[0],), AGENTS[0])
    assert all(share.has(monitor) for monitor in MONITORS[:100])


def test_the_order_in_which_agents_are_named_does_not_matter() -> None:
    for monitor in MONITORS[:200]:
        assert mine(monitor, AGENTS, AGENTS[1]) == mine(monitor, reversed(AGENTS), AGENTS[1])
