"""A push service and the browser behind it: refuses what RFC 8030, 8188, 8291 and 8292 refuse, and unseals the rest."""

from __future__ import annotations

import base64
import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

import http_ece
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.support.vendors import Reply, Request

HOST = "push.example.net"
MOST_BYTES = 4096
TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")
URGENCIES = ("very-low", "low", "normal", "high")


def unpadded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def padded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Browser:
    """A subscription, and what was shown. `server_key`: the applicationServerKey that it subscribed with."""

    server_key: str
    ended: bool = False
    auth: bytes = b"sixteen byte key"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    shown: list[dict[str, Any]] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    """Answers that come before the rules, one for each next request."""

    @property
    def config(self) -> dict[str, str]:
        point = self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return {
            "type": "web_push",
            "endpoint": f"https://{HOST}/send/abc",
            "p256dh": unpadded(point),
            "auth": unpadded(self.auth),
        }

    def judge(self, request: Request) -> Reply:
        """What the service answers."""
        if self.replies:
            return self.replies.pop(0)
        if self.ended:
            return Reply(410, b"gone")
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        body = http_ece.decrypt(request.body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")
        self.shown.append(json.loads(body))
        return Reply(201, b"", {"Location": f"https://{HOST}/message/1"})

    def _refusal(self, request: Request) -> Reply | None:
        headers = request.headers
        if request.method != "POST" or request.path != "/send/abc":
            return Reply(404, b"no such subscription")
        if not headers.get("ttl", "").isdigit():
            return Reply(400, b"TTL is required (RFC 8030 section 5.2)")
        if headers.get("urgency", "normal") not in URGENCIES:
            return Reply(400, b"Urgency (RFC 8030 section 5.3)")
        if "topic" in headers and not TOPIC.fullmatch(headers["topic"]):
            return Reply(400, b"Topic is 32 characters of base64url at most (RFC 8030 section 5.4)")
        if headers.get("content-encoding") != "aes128gcm":
            return Reply(400, b"Content-Encoding (RFC 8291 section 4)")
        if len(request.body) > MOST_BYTES:
            return Reply(413, b"payload too large")
        return None if self._is_signed(headers.get("authorization", "")) else Reply(403, b"invalid VAPID token")

    def _is_signed(self, header: str) -> bool:
        found = re.fullmatch(r"vapid t=([\w-]+)\.([\w-]+)\.([\w-]+),\s*k=([\w-]+)", header)
        if found is None or found[4] != self.server_key:
            return False
        head, claims, signature = (padded(part) for part in found.groups()[:3])
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), padded(found[4]))
        pair = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
        try:
            key.verify(pair, f"{found[1]}.{found[2]}".encode(), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        said = json.loads(claims)
        lives = said["exp"] - time.time()
        named = bool(said["aud"] == f"https://{HOST}" and said["sub"].startswith(("mailto:", "https:")))
        return named and bool(json.loads(head)["alg"] == "ES256") and 0 < lives <= 24 * 3600
