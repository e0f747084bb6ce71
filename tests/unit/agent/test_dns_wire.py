"""The reader of DNS messages, where a property would not find the edge."""

from __future__ import annotations

import pytest

from agent.dns.values import value_text
from agent.dns.wire import (
    MAX_RECORDS,
    NXDOMAIN,
    REFUSED,
    TXT,
    A,
    Query,
    Record,
    WireError,
    follow,
    name_text,
    query,
    read_name,
    read_reply,
)

ADDRESS = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01"


def reply_to(asked: Query, *, flags: bytes = b"\x81\x80", questions: int = 1, records: bytes = ADDRESS) -> bytes:
    question = asked.question if questions else b""
    return asked.wire[:2] + flags + bytes([0, questions, 0, 1, 0, 0, 0, 0]) + question + records


def test_a_question_is_encoded_as_rfc_1035_says() -> None:
    asked = query("a.Example.com.", A)
    assert asked.wire[2:] == (
        b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01\x01a\x07Example\x03com\x00\x00\x01\x00\x01"
        b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"
    )
    assert query("", A, edns=False).wire[2:] == b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01"


def test_ids_are_not_foretold() -> None:
    assert len({query("example.com", A).wire[:2] for _ in range(200)}) > 100


def test_the_case_of_the_question_does_not_matter_but_all_else_does() -> None:
    asked = query("example.com", A)
    wire = reply_to(asked)
    assert len(read_reply(asked, wire.replace(b"example", b"eXAMPle")).records) == 1
    for other in (wire.replace(b"example", b"exbmple"), wire.replace(asked.question, asked.question[:-3] + b"\2\0\1")):
        with pytest.raises(WireError):
            read_reply(asked, other)


@pytest.mark.parametrize("flags", [b"\x01\x80", b"\xa9\x80"])
def test_a_query_or_another_operation_is_no_answer(flags: bytes) -> None:
    asked = query("example.com", A)
    with pytest.raises(WireError):
        read_reply(asked, reply_to(asked, flags=flags))


def test_only_a_server_that_could_not_read_the_question_may_leave_it_out() -> None:
    asked = query("example.com", A)
    assert read_reply(asked, reply_to(asked, flags=b"\x81\x85", questions=0, records=b"")).rcode == REFUSED
    for flags in (b"\x81\x80", bytes([0x81, 0x80 | NXDOMAIN])):
        with pytest.raises(WireError):
            read_reply(asked, reply_to(asked, flags=flags, questions=0))


def test_a_truncated_answer_is_not_read_any_further() -> None:
    asked = query("example.com", A)
    reply = read_reply(asked, reply_to(asked, flags=b"\x83\x80", records=ADDRESS[:7]))
    assert reply.is_truncated
    assert reply.records == ()


def test_no_more_records_are_looked_at_than_anybody_needs() -> None:
    asked = query("example.com", A)
    wire = reply_to(asked, records=ADDRESS * 4000)
    wire = wire[:6] + (4000).to_bytes(2, "big") + wire[8:]
    assert len(read_reply(asked, wire).records) == MAX_RECORDS


def test_a_record_of_another_class_or_owner_is_not_an_answer() -> None:
    asked = query("example.com", A)
    chaos = reply_to(asked, records=ADDRESS[:5] + b"\x03" + ADDRESS[6:])
    assert follow(asked, read_reply(asked, chaos))[0] == []
    stranger = reply_to(asked, records=b"\x01b" + ADDRESS)
    assert follow(asked, read_reply(asked, stranger))[0] == []


def test_aliases_in_a_circle_lead_nowhere() -> None:
    asked = query("example.com", A)
    circle = reply_to(asked, records=b"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x02\xc0\x0c")
    assert follow(asked, read_reply(asked, circle)) == ([], [])


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"\x03ab",
        b"\xc0",
        b"\xc0\x00",
        b"\xc0\x05\x00\x00\x00\x00",
        b"\x01a\xc0\x00",
        b"\x41" + b"a" * 65 + b"\x00",
        b"\x80\x00",
        (b"\x3f" + b"a" * 63) * 4 + b"\x00",
    ],
)
def test_a_broken_name_is_refused(wire: bytes) -> None:
    with pytest.raises(WireError):
        read_name(wire, 0)


def test_a_ladder_of_pointers_is_not_climbed() -> None:
    rungs = b"\x00\x00" + b"".join((0xC000 | at).to_bytes(2, "big") for at in range(0, 8000, 2))
    assert read_name(rungs, 2 * 20) == (b"\x00", 42)
    with pytest.raises(WireError):
        read_name(rungs, len(rungs) - 2)


def test_odd_bytes_of_a_name_are_written_as_numbers() -> None:
    assert name_text(b"\x05a.b c\x02\xff\\\x00") == "a\\.b\\032c.\\255\\\\"
    assert name_text(b"\x00") == "."


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x02ab\x02cd", "abcd"),
        (b"\x00", ""),
        ("\x06grün\t".encode("latin-1").replace(b"\xfc", b"\xc3\xbc"), "grün\\009"),
        (b"\x03a\xffb", "a\\255b"),
    ],
)
def test_strings_are_joined_and_made_readable(data: bytes, text: str) -> None:
    assert value_text(data, Record(b"\x00", TXT, 60, 0, len(data))) == text


def test_a_string_that_runs_out_of_its_record_is_refused() -> None:
    with pytest.raises(WireError):
        value_text(b"\x05abcdefgh", Record(b"\x00", TXT, 60, 0, 4))
