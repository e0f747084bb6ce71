"""Our reader of DNS messages agrees with dnspython's on what servers send, and survives what they should not send."""

from __future__ import annotations

import struct
from ipaddress import ip_address
from itertools import pairwise
from random import Random
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from hypothesis import given
from hypothesis import strategies as st

from agent.dns.values import describe, value_text
from agent.dns.wire import CNAME, TYPE_NUMBERS, Query, Reply, WireError, follow, name_text, query, read_reply

LABELS = st.text("abcXYZ019_-", min_size=1, max_size=12).map(str.encode) | st.binary(min_size=1, max_size=63)
NAMES = st.lists(LABELS, min_size=0, max_size=3).map(lambda labels: dns.name.Name([*labels, b""]))
SHORT = st.integers(0, 65535)
LONG = st.integers(0, 2**32 - 1)
QUESTION = "www.Example.com"
OWNER = dns.name.from_text(QUESTION)
TAGS = st.text("abcdefgh0123", min_size=1, max_size=10).map(str.encode)
PLAIN = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\')).map(str.encode)


def wire_of(name: dns.name.Name) -> bytes:
    return name.to_wire() or b""  # None only when it is written to a file


def text_of(name: dns.name.Name) -> str:
    return name.canonicalize().to_text(omit_final_dot=True)


RDATA: dict[str, st.SearchStrategy[bytes]] = {
    "A": st.binary(min_size=4, max_size=4),
    "AAAA": st.binary(min_size=16, max_size=16),
    "CNAME": NAMES.map(wire_of),
    "NS": NAMES.map(wire_of),
    "PTR": NAMES.map(wire_of),
    "MX": st.builds(lambda a, n: struct.pack(">H", a) + wire_of(n), SHORT, NAMES),
    "SRV": st.builds(lambda a, b, c, n: struct.pack(">HHH", a, b, c) + wire_of(n), SHORT, SHORT, SHORT, NAMES),
    "SOA": st.builds(
        lambda a, b, numbers: wire_of(a) + wire_of(b) + struct.pack(">IIIII", *numbers),
        NAMES,
        NAMES,
        st.tuples(LONG, LONG, LONG, LONG, LONG),
    ),
    "TXT": st.lists(PLAIN.map(lambda text: text[:255]), min_size=1, max_size=4).map(
        lambda texts: b"".join(len(text).to_bytes(1, "big") + text for text in texts)
    ),
    "CAA": st.builds(
        lambda flags, tag, value: bytes([flags, len(tag)]) + tag + value, st.integers(0, 255), TAGS, PLAIN
    ),
}


def record_set(owner: dns.name.Name, kind: str, data: list[bytes]) -> dns.rrset.RRset:
    number = dns.rdatatype.from_text(kind)
    found = dns.rrset.RRset(owner, dns.rdataclass.IN, number)
    found.update_ttl(300)
    for wire in data:
        found.add(dns.rdata.from_wire(dns.rdataclass.IN, number, wire, 0, len(wire)), 300)
    return found


def answer_to(asked: Query, sets: list[dns.rrset.RRset]) -> bytes:
    response = dns.message.make_response(dns.message.from_wire(asked.wire), recursion_available=True)
    response.answer.extend(sets)
    return response.to_wire(max_size=65535)


def said(kind: str, rdata: Any) -> str:
    """A value of dnspython's in our canonical words."""

    def named(name: dns.name.Name) -> str:
        return text_of(name)

    match kind:
        case "A" | "AAAA":
            return str(ip_address(rdata.address))
        case "CNAME" | "NS" | "PTR":
            return named(rdata.target)
        case "MX":
            return f"{rdata.preference} {named(rdata.exchange)}"
        case "SRV":
            return f"{rdata.priority} {rdata.weight} {rdata.port} {named(rdata.target)}"
        case "SOA":
            numbers = (rdata.serial, rdata.refresh, rdata.retry, rdata.expire, rdata.minimum)
            return " ".join([named(rdata.mname), named(rdata.rname), *map(str, numbers)])
        case "TXT":
            return b"".join(rdata.strings).decode()
    return f'{rdata.flags} {rdata.tag.decode().lower()} "{rdata.value.decode()}"'


@given(st.data())
def test_values_of_every_type_are_those_that_dnspython_reads(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(TYPE_NUMBERS)))
    limit = 1 if kind in ("CNAME", "SOA") else 4
    wires = data.draw(st.lists(RDATA[kind], min_size=1, max_size=limit, unique=True))
    asked = query(QUESTION, TYPE_NUMBERS[kind])
    expected = record_set(OWNER, kind, wires)
    reply = read_reply(asked, answer_to(asked, [expected]))
    records, aliases = follow(asked, reply)
    ours = sorted(value_text(reply.data, record) for record in records)
    assert ours == sorted(said(kind, rdata) for rdata in expected)
    assert aliases == []


@given(st.lists(NAMES, max_size=6, unique_by=lambda name: name.canonicalize()), st.randoms(), st.booleans())
def test_aliases_are_followed_as_dnspython_follows_them(
    targets: list[dns.name.Name], order: Random, ends: bool
) -> None:
    asked = query(QUESTION, TYPE_NUMBERS["A"])
    owners = [OWNER, *targets]
    sets = [record_set(a, "CNAME", [wire_of(b)]) for a, b in pairwise(owners)]
    if ends:
        sets.append(record_set(owners[-1], "A", [bytes([192, 0, 2, 1])]))
    order.shuffle(sets)
    wire = answer_to(asked, sets)
    chain = dns.message.from_wire(wire).resolve_chaining()  # type: ignore[attr-defined]
    records, aliases = follow(asked, read_reply(asked, wire))
    assert len(records) == (0 if chain.answer is None else len(chain.answer))
    theirs = [text_of(rdata.target) for rrset in chain.cnames for rdata in rrset]
    assert [name_text(alias) for alias in aliases] == theirs


@given(st.sampled_from(list(dns.rcode.Rcode)), st.sampled_from(["A", "MX", "SOA"]))
def test_response_codes_are_read_with_their_upper_bits(rcode: dns.rcode.Rcode, kind: str) -> None:
    asked = query(QUESTION, TYPE_NUMBERS[kind])
    response = dns.message.make_response(dns.message.from_wire(asked.wire))
    response.set_rcode(rcode)
    response.authority.append(dns.rrset.from_text("example.com.", 60, "IN", "NS", "ns.example.com."))
    assert read_reply(asked, response.to_wire()).rcode == rcode


def read_all(asked: Query, wire: bytes) -> Reply | None:
    """Everything that a check does with an answer."""
    try:
        reply = read_reply(asked, wire)
        records, _aliases = follow(asked, reply)
        for record in records:
            value_text(reply.data, record)
    except WireError:
        return None
    lines = describe(reply, limit=32)
    assert len(lines) <= 32
    assert all(len(line) <= 500 for line in lines)
    return reply


@given(st.sampled_from(sorted(TYPE_NUMBERS)), st.binary(max_size=400), SHORT, SHORT, SHORT)
def test_bytes_behind_a_true_header_raise_nothing_but_our_own_error(
    kind: str, noise: bytes, answers: int, others: int, extra: int
) -> None:
    asked = query(QUESTION, TYPE_NUMBERS[kind])
    read_all(asked, noise)
    head = asked.wire[:2] + b"\x81\x80" + struct.pack(">HHHH", 1, answers, others, extra) + asked.question
    read_all(asked, head + noise)
    record = b"\xc0\x0c" + asked.question[-4:] + b"\0\0\0\x3c" + len(noise).to_bytes(2, "big")
    read_all(asked, head[:6] + b"\0\1" + head[8:] + record + noise)


@given(st.data())
def test_a_changed_answer_is_read_or_refused(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(TYPE_NUMBERS)))
    asked = query(QUESTION, TYPE_NUMBERS[kind])
    target = dns.name.from_text("target.example.com")
    sets = [] if kind == "CNAME" else [record_set(OWNER, "CNAME", [wire_of(target)])]
    sets.append(record_set(target if sets else OWNER, kind, [data.draw(RDATA[kind])]))
    wire = bytearray(answer_to(asked, sets))
    for _ in range(data.draw(st.integers(1, 6))):
        wire[data.draw(st.integers(2, len(wire) - 1))] = data.draw(st.integers(0, 255))
    read_all(asked, bytes(wire[: data.draw(st.integers(0, len(wire)))]))
    read_all(asked, bytes(wire))


@given(NAMES.filter(lambda name: len(name) > 1))
def test_a_name_comes_back_from_any_case_of_its_letters(name: dns.name.Name) -> None:
    asked = query(QUESTION, CNAME)
    wire = answer_to(asked, [record_set(OWNER, "CNAME", [wire_of(name)])])
    turned = wire[:12] + wire[12 : 12 + len(asked.name)].swapcase() + wire[12 + len(asked.name) :]
    reply = read_reply(asked, turned)
    (record,), _ = follow(asked, reply)
    assert value_text(reply.data, record) == text_of(name)
