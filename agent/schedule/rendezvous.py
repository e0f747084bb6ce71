"""Who runs a monitor: rendezvous hashing over (monitor, live agents), so that a lost agent's share alone moves.

Pure, and the same on every agent of a region: each finds its own share without a word to the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

_MASK = 2**64 - 1


class Share:
    """The share of agent `me` among `agents`. Empty when `me` is not one of them."""

    __slots__ = ("_me", "_others", "agents", "me")

    def __init__(self, agents: Iterable[UUID], me: UUID) -> None:
        self.agents = frozenset(agents)
        self.me = me
        self._me = _fold(me) if me in self.agents else None
        self._others = tuple((_fold(agent), agent > me) for agent in self.agents if agent != me)

    def has(self, monitor_id: UUID) -> bool:
        if self._me is None:
            return False
        if not self._others:
            return True
        monitor = _fold(monitor_id)
        weight = _mix(monitor ^ self._me)
        for salt, wins_ties in self._others:
            other = _mix(monitor ^ salt)
            if other > weight or (other == weight and wins_ties):
                return False
        return True


def mine(monitor_id: UUID, agents: Iterable[UUID], me: UUID) -> bool:
    """Whether `me` runs the monitor while `agents` are live."""
    return Share(agents, me).has(monitor_id)


def _fold(value: UUID) -> int:
    """64 well-mixed bits of an id; UUIDv7 begins with the time, so neighbours differ in few bits."""
    return _mix((value.int >> 64) ^ _mix(value.int & _MASK))


def _mix(value: int) -> int:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every input bit changes half of the output's."""
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)
