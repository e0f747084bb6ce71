"""Every row of the guard's corpus that pure code can judge, by the stage that has to judge it."""

from __future__ import annotations

import re
from ipaddress import ip_address

import pytest

from shared.netpolicy import (
    SHARED,
    Policy,
    UrlRefused,
    judge_answers,
    judge_host,
    judge_name,
    judge_port,
    judge_redirect,
    parse_host_text,
    parse_http_url,
)
from tests.support.hostile import GuardRow, all_guard_rows, guard_rows


def rows(surface: str, setup: str) -> list[GuardRow]:
    return [row for row in all_guard_rows() if row.surface == surface and re.search(setup, row.setup)]


@pytest.mark.parametrize("row", guard_rows("url"))
def test_a_url_of_the_corpus_gets_its_verdict_and_code_at_its_stage(row: GuardRow) -> None:
    verdict, code, stage = judged(row.input)
    assert (verdict, code) == (row.expected, row.code)
    assert stage == row.stage or verdict == "allow"  # what is allowed has passed them all


def judged(text: str) -> tuple[str, str, str]:
    """Verdict, code, and the stage that gave it."""
    try:
        url = parse_http_url(text)
    except UrlRefused as refused:
        return "block", refused.code, "parse"
    try:
        judge_host(url, SHARED)
    except UrlRefused as refused:
        if refused.code == "PORT_BLOCKED":
            return "block", refused.code, "port"
        return "block", refused.code, "literal" if url.is_literal else "parse"
    return "allow", "-", "literal" if url.is_literal else "parse"


@pytest.mark.parametrize("row", guard_rows("tcp"))
def test_a_port_of_the_corpus_gets_its_verdict_and_code(row: GuardRow) -> None:
    assert row.setup == "profile=strict"
    verdict = ("allow", "-")
    try:
        judge_port(int(row.input.rpartition(":")[2]), Policy(ports="strict"))
    except UrlRefused as refused:
        verdict = ("block", refused.code)
    assert verdict == (row.expected, row.code)


@pytest.mark.parametrize("row", rows("dns-answer", "=|hosts"), ids=lambda row: row.id)
def test_a_name_of_the_corpus_and_its_answers_get_their_verdict(row: GuardRow) -> None:
    """The hosts file does not count: the agent asks DNS itself."""
    answers = [
        ip_address(text) for found in re.findall(r"(?:^|[; ])A+=([^; ]+)", row.setup) for text in found.split(",")
    ]
    aliases = re.findall(r"CNAME=(\S+)", row.setup)
    verdict, stage = "allow", "resolve"
    try:
        judge_name(parse_host_text(row.input).name, SHARED)
    except UrlRefused:
        verdict, stage = "block", "parse"
    try:
        judge_answers(answers, SHARED, aliases=aliases)
    except UrlRefused:
        verdict = "block"
    assert (verdict, stage) == (row.expected, row.stage)


REBINDING = {"rebind.example.net": ["10.0.0.5"]}
"""What the corpus' rebinding name resolves to when it is asked again."""


@pytest.mark.parametrize("row", rows("redirect", " from "), ids=lambda row: row.id)
def test_a_redirect_of_the_corpus_gets_its_verdict_and_code(row: GuardRow) -> None:
    start = re.search(r"from (\S+)", row.setup)
    assert start is not None
    verdict = ("allow", "-")
    try:
        target = judge_redirect(
            parse_http_url(start[1]), row.input, has_credentials="bearer_token" in row.setup, policy=SHARED
        )
        judge_answers(map(ip_address, REBINDING.get(target.host, [])), SHARED)
    except UrlRefused as refused:
        rebound = refused.code == "SSRF_BLOCKED" and target.host in REBINDING
        verdict = ("block", "REDIRECT_BLOCKED" if rebound else refused.code)
    assert verdict == (row.expected, row.code)
