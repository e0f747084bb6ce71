"""Signatures on webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from control_plane.notify.signing import make_secret, signature_headers, signing_key


def test_the_reference_vector_of_standard_webhooks_comes_out() -> None:
    headers = signature_headers(
        keys=(signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),),
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )
    assert headers["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_our_own_signature_is_over_timestamp_dot_body() -> None:
    body = '{"name":"Zürich ☃"}'.encode()
    headers = signature_headers(keys=(b"k" * 16,), message_id="m", timestamp=1700000000, body=body)
    expected = hmac.new(b"k" * 16, b"1700000000." + body, hashlib.sha256).hexdigest()
    assert headers["X-Farwatch-Timestamp"] == "1700000000"
    assert headers["X-Farwatch-Signature"] == f"sha256={expected}"


def test_the_newest_of_two_keys_signs_for_us_and_both_by_the_standard() -> None:
    headers = signature_headers(keys=(b"new" * 8, b"old" * 8), message_id="m", timestamp=1, body=b"{}")
    newest = signature_headers(keys=(b"new" * 8,), message_id="m", timestamp=1, body=b"{}")
    assert headers["X-Farwatch-Signature"] == newest["X-Farwatch-Signature"]
    assert len(headers["webhook-signature"].split(" ")) == 2
    assert headers["webhook-signature"].startswith(newest["webhook-signature"])


def test_a_secret_of_ours_is_its_decoded_bytes() -> None:
    entropy = bytes(range(32))
    secret = make_secret(entropy)
    assert secret == "whsec_" + base64.b64encode(entropy).decode()
    assert signing_key(secret) == entropy


def test_a_plain_secret_is_its_utf8() -> None:
    assert signing_key("sixteen letters!") == b"sixteen letters!"


@pytest.mark.parametrize(
    "secret", ["", "fifteen letters", "whsec_", "whsec_!!!!", "whsec_" + base64.b64encode(b"short").decode(), "whsec_é"]
)
def test_a_weak_or_broken_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match=r"secret|base64"):
        signing_key(secret)
