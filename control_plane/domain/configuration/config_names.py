"""What configuration files call things: keys of monitors and windows, names of channels and regions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from msgspec import Struct

from control_plane.domain.monitors.region_choice import RegionChoice

SLUG_LIMIT = 80
_OTHER = re.compile(r"[^a-z0-9]+")


class Names(Struct, frozen=True, kw_only=True):
    """Both ways between what rows and what files say. `monitors` has keys, and ids as text, of stored and of new ones.

    `regions` are those that the tenant may choose, in ascending id; `channels` by name.
    """

    regions: tuple[RegionChoice, ...]
    key_of: Mapping[UUID, str]
    monitors: Mapping[str, UUID]
    channel_name_of: Mapping[UUID, str]
    channels: Mapping[str, UUID]

    @property
    def default_regions(self) -> list[str]:
        """The regions of a monitor that names none."""
        return [region.slug for region in self.regions if region.selected_by_default and region.enabled]


def suggested_keys(named: Iterable[tuple[UUID, str]], *, taken: Collection[str], word: str) -> dict[UUID, str]:
    """Keys for objects that have none, in this order: their names in plain letters, numbered where two are alike.

    `word` stands for a name that has no letter or digit.
    """
    used = set(taken)
    found: dict[UUID, str] = {}
    for identity, name in named:
        found[identity] = key = _free(slug_of(name) or word, used)
        used.add(key)
    return found


def slug_of(name: str) -> str:
    """The name in lower-case letters, digits and inner hyphens; empty when none are left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _OTHER.sub("-", plain).strip("-")[:SLUG_LIMIT].rstrip("-")


def _free(slug: str, used: Collection[str]) -> str:
    number, key = 1, slug
    while key in used:
        number += 1
        key = f"{slug}-{number}"
    return key
