"""Who we are to push services: the VAPID key and the token that each message carries (RFC 8292)."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime, timedelta
from functools import lru_cache

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from py_vapid import Vapid02

from control_plane.settings import Settings

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of P-256 (FIPS 186-5)."""

LIFETIME = timedelta(hours=12)
"""Of a token. A push service takes none that lives longer than 24 hours (RFC 8292 section 2)."""

DEFAULT_CONTACT = "mailto:postmaster@localhost"
"""Where the operator has said nothing; some push services want to know somebody."""


@lru_cache(maxsize=8)
def _key(private_key: str, pepper: str) -> ec.EllipticCurvePrivateKey:
    if private_key:
        scalar = int.from_bytes(base64.urlsafe_b64decode(private_key + "=" * (-len(private_key) % 4)))
    else:
        # 48 bytes, so that what is left over the order of the curve tells nothing (FIPS 186-5, appendix A.2.1).
        spread = HKDF(hashes.SHA256(), 48, salt=None, info=b"farwatch web push vapid key 1").derive(
            hashlib.sha256(pepper.encode()).digest()
        )
        scalar = int.from_bytes(spread) % (_ORDER - 1) + 1
    return ec.derive_private_key(scalar, ec.SECP256R1())


def public_key(settings: Settings) -> str:
    """The applicationServerKey that browsers subscribe with, in base64url.

    A subscription is bound to it: another key (or another pepper, which it is derived from) ends all subscriptions.
    """
    point = _key(settings.web_push.private_key, settings.security.pepper).public_key()
    raw = point.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def authorization(settings: Settings, *, origin: str, now: datetime) -> str:
    """The Authorization header for a push service at `origin`."""
    claims = {"aud": origin, "exp": int((now + LIFETIME).timestamp()), "sub": _contact(settings)}
    key = Vapid02(_key(settings.web_push.private_key, settings.security.pepper))
    header: str = key.sign(claims)["Authorization"]
    return header


def _contact(settings: Settings) -> str:
    home = settings.server.public_url
    return settings.web_push.contact or (home if home.startswith("https://") else DEFAULT_CONTACT)
