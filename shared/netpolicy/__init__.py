"""The address guard: which URLs, names and addresses a region may reach. Pure: nothing here resolves or dials.

Three layers use it: the text of a URL (`parse_http_url`, `judge_host`), the resolver's answers (`judge_answers`) and
the socket (`judge_address`); redirects go through all of them (`judge_redirect`). Grammar and policy are apart, because
a private region may reach what a shared one may not.
"""

from __future__ import annotations

from shared.netpolicy.hosts import parse_host_text
from shared.netpolicy.judge import (
    blocked_reason,
    judge_address,
    judge_answers,
    judge_dns_port,
    judge_host,
    judge_host_text,
    judge_name,
    judge_port,
    judge_question,
    judge_redirect,
    special_name,
)
from shared.netpolicy.model import (
    SHARED,
    Address,
    Host,
    HttpUrl,
    Network,
    Policy,
    PortProfile,
    UrlRefused,
    same_origin,
)
from shared.netpolicy.urls import URL_LIMIT, parse_http_url

__all__ = [
    "SHARED",
    "URL_LIMIT",
    "Address",
    "Host",
    "HttpUrl",
    "Network",
    "Policy",
    "PortProfile",
    "UrlRefused",
    "blocked_reason",
    "judge_address",
    "judge_answers",
    "judge_dns_port",
    "judge_host",
    "judge_host_text",
    "judge_name",
    "judge_port",
    "judge_question",
    "judge_redirect",
    "parse_host_text",
    "parse_http_url",
    "same_origin",
    "special_name",
]
