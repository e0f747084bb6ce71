"""The authorities that this machine trusts, loaded once into memory.

OpenSSL's usual way leaves the directory of authorities to be searched at each handshake, which costs some 60 µs of
file system each time; here the directory is read when the context is made.
"""

from __future__ import annotations

import re
import ssl
from contextlib import suppress
from pathlib import Path

_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+\Z")
"""What OpenSSL looks for in a directory of authorities (openssl-rehash(1))."""


def context_with_authorities(ca_file: str | None) -> ssl.SSLContext:
    """A client's context that trusts the system's authorities and those in `ca_file` (PEM).

    SSL_CERT_FILE and SSL_CERT_DIR name other places, as everywhere with OpenSSL. Raises OSError when `ca_file` cannot
    be read.
    """
    context = _with_system_authorities()
    if ca_file:
        context.load_verify_locations(ca_file)
    return context


def _with_system_authorities() -> ssl.SSLContext:
    paths = ssl.get_default_verify_paths()
    if not paths.cafile:
        return ssl.create_default_context()
    try:
        context = ssl.create_default_context(cafile=paths.cafile)
    except OSError:  # an empty or broken bundle: OpenSSL's own way passes over it
        return ssl.create_default_context()
    for path in _missing(Path(paths.cafile), paths.capath):
        with suppress(OSError):
            context.load_verify_locations(path)
    return context


def _missing(bundle: Path, directory: str | None) -> list[Path]:
    """The files of the directory whose text is not in the bundle already; on most systems there are none."""
    if directory is None:
        return []
    known = bundle.read_bytes()
    hashed = (path for path in sorted(Path(directory).iterdir()) if _HASHED.match(path.name))
    return [path for path in hashed if _text(path) not in known]


def _text(path: Path) -> bytes:
    """Empty, which every bundle has, where it cannot be read."""
    try:
        return path.read_bytes().strip()
    except OSError:
        return b""
