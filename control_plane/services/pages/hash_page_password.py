"""Make what is stored of a page's password: argon2id, of which nobody gets the password back."""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

# OWASP Password Storage Cheat Sheet: m = 19 MiB, t = 2, p = 1.
MEMORY_KIB, PASSES, LANES = 19_456, 2, 1
SALT_BYTES, DIGEST_BYTES = 16, 32

_one_at_a_time = ThreadPoolExecutor(1, thread_name_prefix="page-password")


async def hash_page_password(password: str) -> str:
    """The digest in PHC form, with a salt of its own."""
    return await asyncio.get_running_loop().run_in_executor(_one_at_a_time, _digest, password)


def _digest(password: str) -> str:
    kdf = Argon2id(
        salt=secrets.token_bytes(SALT_BYTES),
        length=DIGEST_BYTES,
        iterations=PASSES,
        lanes=LANES,
        memory_cost=MEMORY_KIB,
    )
    return kdf.derive_phc_encoded(password.encode())
