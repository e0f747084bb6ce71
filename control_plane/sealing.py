"""Secrets at rest: AES-256-GCM under a named key, bound to the row that they belong to.

    byte 0      1 (sealed) or 0 (plain, development only)
    byte 1      length of the key's name, then the name
    12 bytes    nonce
    rest        ciphertext and tag; associated data = everything before the nonce, then the context

The first key of the setting seals, all of them open: put a new key in front, and take an old one away once nothing is
sealed with it.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Collection, Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from control_plane.errors import StartupRefused

_SEALED, _PLAIN = 1, 0
_NONCE_BYTES = 12
_KEY_BYTES = 32
_KEY_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
_REMEDY = "make one with: echo k1:$(head -c 32 /dev/urandom | base64)"


class UnsealError(Exception):
    """Sealed bytes that no key of ours opens in this context."""


class Sealer:
    """Seals and opens under the keys of FARWATCH_SECURITY__SEALING_KEYS."""

    def __init__(self, keys: Mapping[str, bytes], *, allow_unsealed: bool = False) -> None:
        self._ciphers = {name: AESGCM(key) for name, key in keys.items()}
        self._active = next(iter(keys), None)
        self._allow_unsealed = allow_unsealed

    @classmethod
    def from_setting(cls, sealing_keys: str, *, allow_unsealed: bool = False) -> Sealer:
        """From `id:base64,…`. Raises StartupRefused on a malformed key, and on none without allow_unsealed."""
        keys = dict(_parse_key(entry.strip()) for entry in sealing_keys.split(",") if entry.strip())
        if not keys and not allow_unsealed:
            raise StartupRefused(f"security.sealing_keys is not set, so secrets could not be stored: {_REMEDY}")
        return cls(keys, allow_unsealed=allow_unsealed)

    @property
    def active(self) -> str | None:
        """The id of the key that seals; None where secrets are stored as they are."""
        return self._active

    @property
    def key_ids(self) -> Collection[str]:
        """The ids of all keys, the one that seals first."""
        return self._ciphers.keys()

    def seal(self, plaintext: bytes, *, context: str, key_id: str | None = None) -> bytes:
        """Sealed bytes that open only in the same context, such as "channel:<tenant>:<id>".

        `key_id`: another key than the first.
        """
        key_id = key_id or self._active
        if key_id is None:
            return bytes([_PLAIN]) + plaintext
        name = key_id.encode()
        header = bytes([_SEALED, len(name)]) + name
        nonce = os.urandom(_NONCE_BYTES)
        return header + nonce + self._ciphers[key_id].encrypt(nonce, plaintext, header + context.encode())

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """The plaintext. Raises UnsealError when the key is gone, the bytes were changed, or the context is another."""
        if sealed[:1] == bytes([_PLAIN]) and self._allow_unsealed:
            return sealed[1:]
        if len(sealed) < 2 or sealed[0] != _SEALED:
            raise UnsealError("not sealed bytes")
        end = 2 + sealed[1]
        header, nonce, body = sealed[:end], sealed[end : end + _NONCE_BYTES], sealed[end + _NONCE_BYTES :]
        cipher = self._ciphers.get(header[2:].decode("ascii", "replace"))
        if cipher is None:
            raise UnsealError(f"sealed with key {header[2:]!r}, which security.sealing_keys does not hold")
        try:
            return cipher.decrypt(nonce, body, header + context.encode())
        except (InvalidTag, ValueError) as error:
            raise UnsealError("changed, or sealed for another row") from error


def _parse_key(entry: str) -> tuple[str, bytes]:
    name, _, encoded = entry.partition(":")
    if not _KEY_NAME.fullmatch(name):
        raise StartupRefused(
            f"security.sealing_keys: each entry is id:base64 with an id of letters, digits, _ and -; {_REMEDY}"
        )
    try:
        key = base64.b64decode(encoded, validate=True)
    except ValueError:
        raise StartupRefused(f"security.sealing_keys: key {name} is not base64; {_REMEDY}") from None
    if len(key) != _KEY_BYTES:
        raise StartupRefused(f"security.sealing_keys: key {name} is {len(key)} bytes, it must be 32; {_REMEDY}")
    return name, key
