"""The password of a status page: whether somebody knows it."""

from __future__ import annotations

import asyncio

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id


async def knows_password(digest: str, given: str, *, turns: asyncio.Semaphore) -> bool:
    """Whether `given` is the password of this digest, argon2id in PHC form.

    One at a time takes its turn: a digest costs tens of milliseconds of a core, and megabytes of memory.
    """
    async with turns:
        return await asyncio.to_thread(is_password, digest, given)


def is_password(digest: str, given: str) -> bool:
    """Whether `given` is the password of this digest. Takes tens of milliseconds of the caller's thread."""
    try:
        Argon2id.verify_phc_encoded(given.encode("utf-8", "replace"), digest)
    except InvalidKey:
        return False
    return True
