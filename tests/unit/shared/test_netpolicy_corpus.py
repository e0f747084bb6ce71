"""Every row of the guard's corpus that pure code can judge: URLs, answers, redirects."""

from __future__ import annotations

import re
from ipaddress import ip_address

import pytest

from shared.netpolicy import (
    SHARED,
    UrlRefused,
    judge_answers,
    judge_host,
    judge_redirect,
    parse_http_url,
)
from tests.support.hostile import GuardRow, guard_rows


@pytest.mark.parametrize("row", guard_rows("url"))
def test_a_url_of_the_corpus_gets_its_verdict_and_code(row: GuardRow) -> None:
    verdict = ("allow", "-")
    try:
        judge_host(parse_http_url(row.input), SHARED)
    except UrlRefused as refused:
        verdict = ("block", refused.code)
    assert verdict == (row.expected, row.code)


@pytest.mark.parametrize("row", guard_rows("dns-answer"))
def test_a_name_of_the_corpus_and_its_answers_get_their_verdict(row: GuardRow) -> None:
    """The hosts file does not count: the agent asks DNS itself."""
    answers = [
        ip_address(text) for found in re.findall(r"(?:^|[; ])A+=([^; ]+)", row.setup) for text in found.split(",")
    ]
    aliases = re.findall(r"CNAME=(\S+)", row.setup)
    verdict = "allow"
    try:
        judge_host(parse_http_url(f"http://{row.input}/"), SHARED)
        judge_answers(answers, SHARED, aliases=aliases)
    except UrlRefused:
        verdict = "block"
    assert verdict == row.expected


REBINDING = {"rebind.example.net": ["10.0.0.5"]}
"""What the corpus' rebinding name resolves to when it is asked again."""


@pytest.mark.parametrize("row", guard_rows("redirect"))
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
