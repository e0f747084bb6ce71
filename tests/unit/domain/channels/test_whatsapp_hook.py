"""What WhatsApp's webhook tells, and what of it is for us."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.domain.channels.whatsapp_hook import Coded, Failed, Stopped, events, is_signed
from tests.support.vendor_whatsapp import NUMBER_ID, a_failure, a_text, hook, signature

PHONE, CODE = "4915112345678", "AbcdefGHIJKLmnop_-1234567890wxyz"
OURS = UUID("0197a2f0-0000-7000-8000-000000000001")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["entry", "changes", "field", "value", "messages", "statuses", "from", "text", "body", "errors"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=30,
)


def told(body: bytes) -> list[Any]:
    return list(events(body, phone_number_id=NUMBER_ID))


@pytest.mark.parametrize("text", [CODE, f"  {CODE}\n", f"Farwatch {CODE} please"])
def test_a_code_is_found_with_its_sender(text: str) -> None:
    assert told(hook(messages=[a_text(text)])) == [Coded(PHONE, CODE, "Ana Berg")]


@pytest.mark.parametrize("text", ["stop", "STOP", " Stop. ", "/stop", "stop!"])
def test_stop_is_understood_however_it_is_written(text: str) -> None:
    assert told(hook(messages=[a_text(text)])) == [Stopped(PHONE)]


@pytest.mark.parametrize("text", ["", "hello", "please stop", "x" * 33, "stop it"])
def test_other_texts_are_nothing(text: str) -> None:
    assert told(hook(messages=[a_text(text)])) == []


def test_a_failure_tells_which_message_and_why() -> None:
    body = hook(statuses=[a_failure("wamid.1", opaque=str(OURS)), {"id": "wamid.2", "status": "delivered"}])
    assert told(body) == [Failed(PHONE, "wamid.1", OURS, "Message undeliverable (131026)")]
    assert told(hook(statuses=[a_failure("wamid.1", opaque="other")])) == [
        Failed(PHONE, "wamid.1", None, "Message undeliverable (131026)")
    ]


def test_the_vendors_details_come_before_its_title() -> None:
    failure = a_failure("wamid.1")
    failure["errors"][0]["error_data"] = {"details": "The recipient\x00 is\nnot on WhatsApp"}
    (found,) = told(hook(statuses=[failure]))
    assert found.told == "The recipient  is not on WhatsApp (131026)"
    assert told(hook(statuses=[{**failure, "errors": []}]))[0].told == "no reason"


def test_another_number_of_the_same_app_is_not_ours() -> None:
    assert told(hook(messages=[a_text(CODE)], number_id="1")) == []


def test_several_events_come_in_order() -> None:
    body = hook(messages=[a_text("stop"), a_text(CODE, sender="4915100000000")], statuses=[a_failure("wamid.1")])
    assert [type(each) for each in told(body)] == [Stopped, Coded, Failed]


@given(JSON)
def test_whatever_comes_is_read_without_a_fault(document: Any) -> None:
    told(json.dumps(document).encode())
    told(hook(messages=[], contacts=document, statuses=document if isinstance(document, list) else []))


@pytest.mark.parametrize("body", [b"", b"no json", b"[" * 100_000, b"\xff", b"null", b"[]"], ids=range(6))
def test_what_is_no_hook_is_nothing(body: bytes) -> None:
    assert told(body) == []


def test_the_signature_is_of_the_exact_bytes() -> None:
    body = hook(messages=[a_text(CODE)])
    header = signature(body, "secret")
    assert is_signed(body, header, app_secret="secret")
    for wrong in (None, "", header.upper(), header[:-1], header.removeprefix("sha256="), "sha256=é"):
        assert not is_signed(body, wrong, app_secret="secret")
    assert not is_signed(body + b" ", header, app_secret="secret")
    assert not is_signed(body, header, app_secret="other")
