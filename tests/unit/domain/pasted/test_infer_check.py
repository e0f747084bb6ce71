"""Paste anything: what a text is taken for, and that no text does harm."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.domain.checks.check_rules import read_check
from control_plane.domain.checks.kinds import SPECS, kind_of
from control_plane.domain.pasted.infer_check import PASTE_LIMIT, infer_check
from control_plane.domain.pasted.inferred import Inferred, NotInferredError


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("https://example.com/health?x=1", {"type": "http", "url": "https://example.com/health?x=1"}),
        ("HTTPS://Example.com/", {"type": "http", "url": "https://Example.com/"}),
        ("  <https://example.com/>\n", {"type": "http", "url": "https://example.com/"}),
        ("wss://example.com/live", {"type": "http", "url": "https://example.com/live"}),
        ("example.com/health", {"type": "http", "url": "https://example.com/health"}),
        ("localhost:8080/health", {"type": "http", "url": "http://localhost:8080/health"}),
        ("example.com?probe=1", {"type": "http", "url": "https://example.com/?probe=1"}),
        ("example.com", {"type": "http", "url": "https://example.com/"}),
        ("bücher.example", {"type": "http", "url": "https://bücher.example/"}),
        ("db.example.com:5432", {"type": "tcp", "host": "db.example.com", "port": 5432}),
        ("10.0.0.7:6379", {"type": "tcp", "host": "10.0.0.7", "port": 6379}),
        ("[2001:db8::1]:5432", {"type": "tcp", "host": "2001:db8::1", "port": 5432}),
        ("example.com:8080", {"type": "tcp", "host": "example.com", "port": 8080}),
        ("example.com:443", {"type": "tls_cert", "host": "example.com", "port": 443}),
        ("2001:db8::1", {"type": "ping", "host": "2001:db8::1"}),
        ("192.0.2.7", {"type": "ping", "host": "192.0.2.7"}),
        ("ping example.com", {"type": "ping", "host": "example.com"}),
        ("$ ping -c 3 example.com", {"type": "ping", "host": "example.com"}),
        ("ping://example.com", None),
        ("icmp://example.com", None),
        ("dig example.com MX", {"type": "dns", "name": "example.com", "record_type": "MX"}),
        (
            "dig @9.9.9.9 +short example.com",
            {"type": "dns", "name": "example.com", "record_type": "A", "resolver": "9.9.9.9"},
        ),
        ("nc -vz db.example.com 5432", {"type": "tcp", "host": "db.example.com", "port": 5432}),
        ("telnet mail.example.com 25", {"type": "tcp", "host": "mail.example.com", "port": 25}),
        (
            "openssl s_client -connect example.com:8443",
            {"type": "tls_cert", "host": "example.com", "port": 8443},
        ),
        ("postgresql://app:hunter2@db.example.com/shop", {"type": "tcp", "host": "db.example.com", "port": 5432}),
        ("redis://cache.example.com:6380/0", {"type": "tcp", "host": "cache.example.com", "port": 6380}),
        ("*/5 * * * *", {"type": "heartbeat", "cron": "*/5 * * * *"}),
        ("@daily", {"type": "heartbeat", "cron": "0 0 * * *"}),
        ("0 3 * * MON-FRI /usr/local/bin/backup.sh --all", {"type": "heartbeat", "cron": "0 3 * * MON-FRI"}),
    ],
)
def test_a_text_is_read_as_what_it_says(text: str, check: dict[str, Any] | None) -> None:
    found = infer_check(text)
    if check is not None:
        assert found.check == check
    assert found.name
    submitted(found)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("tcp://db.example.com:5432", "tcp"),
        ("dns://example.com?type=MX", "dns"),
        ("ping://example.com", "ping"),
        ("tls://example.com", "tls_cert"),
        ("domain://example.com", "domain_expiry"),
    ],
)
def test_the_texts_of_the_api_mean_the_same_here(text: str, kind: str) -> None:
    found = infer_check(text)
    assert found.kind == kind
    assert read_check(text, policy_is_private=True) == submitted(found)


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("example.com", ("tls_cert", "dns", "domain_expiry", "ping")),
        ("https://shop.example.com/x", ("tls_cert", "dns", "domain_expiry", "ping")),
        ("example.com:443", ("tcp", "http")),
        ("example.com:8080", ("http",)),
        ("example.com:5432", ()),
        ("192.0.2.7", ("http",)),
        ("*/5 * * * *", ()),
    ],
)
def test_what_a_text_leaves_open_is_offered(text: str, others: tuple[str, ...]) -> None:
    found = infer_check(text)
    assert found.others == others
    for kind in others:
        other = infer_check(text, wanted=kind)
        assert other.kind == kind
        assert found.kind in other.others
        submitted(other)


def test_a_subdomain_expires_with_its_domain() -> None:
    found = infer_check("shop.example.co.uk", wanted="domain_expiry")
    assert found.check == {"type": "domain_expiry", "domain": "example.co.uk"}


def test_a_heartbeat_is_named_after_its_program_not_its_arguments() -> None:
    assert infer_check("0 3 * * * root /opt/backup.sh --password hunter2").name == "backup.sh"
    assert infer_check("0 3 * * * PASSWORD=hunter2 x").name == "Scheduled job"


class TestCurl:
    def test_method_headers_and_body_are_taken_over(self) -> None:
        found = infer_check(
            """curl -sS -X PUT 'https://api.example.com/v1/items?dry=1' \\
              -H 'Accept: application/json' -H "X-Trace: a b" --data '{"name":"O'"'"'Hara"}' """
        )
        assert found.check == {
            "type": "http",
            "url": "https://api.example.com/v1/items?dry=1",
            "method": "PUT",
            "headers": {
                "Accept": "application/json",
                "X-Trace": "a b",
                "Content-Type": "application/x-www-form-urlencoded",
            },
            "body": '{"name":"O\'Hara"}',
            "follow_redirects": False,
        }
        assert found.name == "api.example.com"
        submitted(found)

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("curl -u ana:s3cr3t https://a.example/", {"basic_auth": ["ana", "s3cr3t"]}),
            ("curl https://ana:s%403cr3t@a.example/", {"basic_auth": ["ana", "s@3cr3t"]}),
            ("curl -H 'Authorization: Bearer t0k3n' https://a.example/", {"bearer_token": "t0k3n"}),
            ("curl -H 'authorization: Basic YW5hOnMzY3IzdA==' https://a.example/", {"basic_auth": ["ana", "s3cr3t"]}),
            ("curl --oauth2-bearer t0k3n https://a.example/", {"bearer_token": "t0k3n"}),
            ("curl -k https://a.example/", {"verify_tls": False}),
            ("curl -sSLk https://a.example/", {"verify_tls": False, "follow_redirects": True}),
            ("curl --insecure --location https://a.example/", {"verify_tls": False, "follow_redirects": True}),
            ("curl -I https://a.example/", {"method": "HEAD"}),
            ("curl -XDELETE https://a.example/", {"method": "DELETE"}),
            ("curl -d a=1 -d b=2 https://a.example/", {"method": "POST", "body": "a=1&b=2"}),
            ("curl -G -d a=1 https://a.example/?x=0", {"method": "GET", "url": "https://a.example/?x=0&a=1"}),
            ("curl --data-urlencode 'q=a b&c' https://a.example/", {"body": "q=a%20b%26c"}),
            ("curl --max-time 3.5 https://a.example/", {"timeout": 3500}),
            ("curl -m 900 https://a.example/", {"timeout": 60_000}),
            ("curl -A probe/1 https://a.example/", {"headers": {"User-Agent": "probe/1"}}),
            ("curl -b 'sid=1' https://a.example/", {"headers": {"Cookie": "sid=1"}}),
            ("curl a.example/health", {"url": "http://a.example/health"}),
            ("curl --url https://a.example/x | jq .", {"url": "https://a.example/x"}),
            ("curl https://a.example/ --data-raw $'it\\'s \\u00e9\\n'", {"body": "it's é\n"}),
            ("/usr/bin/curl -o /dev/null -w '%{http_code}' https://a.example/", {"url": "https://a.example/"}),
            ("curl.exe https://a.example/", {"url": "https://a.example/"}),
        ],
    )
    def test_an_option_means_what_curl_means_by_it(self, line: str, expected: dict[str, Any]) -> None:
        check = infer_check(line).check
        assert {name: check.get(name) for name in expected} == expected

    def test_json_brings_its_headers(self) -> None:
        check = infer_check("""curl --json '{"a":1}' https://a.example/""").check
        assert check["headers"] == {"Content-Type": "application/json", "Accept": "application/json"}
        assert (check["method"], check["body"]) == ("POST", '{"a":1}')

    def test_what_cannot_be_taken_over_is_said(self) -> None:
        line = "curl --resolve a.example:443:10.0.0.1 -d @secret.txt -H 'Host: b.example' https://a.example/"
        notes = " ".join(infer_check(line).notes)
        for named in ("--resolve", "file", "host"):
            assert named in notes
        assert "secret" not in notes
        assert "10.0.0.1" not in notes

    def test_a_shell_variable_is_pointed_at(self) -> None:
        found = infer_check('curl -H "X-Key: $KEY" https://a.example/')
        assert any("variable" in note for note in found.notes)

    @pytest.mark.parametrize("line", ["curl", "curl -H", "curl 'https://a.example/", 'curl -u "a:hunter2', "curl -s"])
    def test_a_broken_command_is_refused_without_repeating_it(self, line: str) -> None:
        with pytest.raises(NotInferredError) as refused:
            infer_check(line)
        assert "hunter2" not in str(refused.value)
        assert "a.example" not in str(refused.value)

    def test_nothing_is_run(self, tmp_path: Any) -> None:
        mark = tmp_path / "ran"
        infer_check(f'curl https://a.example/ -d "$(touch {mark})" `touch {mark}` ; touch {mark}')
        assert not mark.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "hello",
        "hello world",
        "please watch my site thanks now",
        "javascript:alert(1)",
        "ftp://",
        "gopher://example.com/",
        "http://",
        "https:// example.com/",
        "http://[::1",
        "http://[hunter2]/",
        "example.com:99999",
        "example.com:0",
        "user@example.com",
        "-----BEGIN PRIVATE KEY-----",
        "60 25 * * *",
        "\x00",
        "tcp://example.com",
        "postgres://app:hunter2@/shop",
        "https://app:hunter2@/",
        "x" * (PASTE_LIMIT + 1),
    ],
)
def test_what_says_nothing_is_refused_with_examples_and_without_the_text(text: str) -> None:
    with pytest.raises(NotInferredError) as refused:
        infer_check(text)
    assert "hunter2" not in str(refused.value)
    assert str(refused.value)[0].isupper()


SECRET = "hunter2-S3CR3T"


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    outcome(text)


@given(st.text(alphabet="curl -kLXuHd'\"\\$@:/.=%[]{}|;&a1é\n\t", max_size=200))
def test_any_curl_command_is_read_or_refused(rest: str) -> None:
    outcome(f"curl {rest}")


@given(st.text(alphabet="0123456789*/,-LW#@? \tabc", max_size=60))
def test_any_cron_line_is_read_or_refused(text: str) -> None:
    outcome(text)


@given(
    st.sampled_from(
        [
            "curl -u ana:{} {}",
            "curl -H 'Authorization: Bearer {}' {}",
            "curl -H 'X-{}: 1' -H 'Host: {}'",
            "curl --{} x {}",
            "postgres://ana:{}@{}",
            "https://ana:{}@{}/",
            "{}:{}",
            "0 0 * * * /bin/x {} {}",
        ]
    ),
    st.text(max_size=20),
)
def test_no_refusal_and_no_note_repeats_a_secret(shape: str, junk: str) -> None:
    found = read(shape.format(SECRET, junk))
    told = [str(found)] if isinstance(found, NotInferredError) else found.notes
    assert not any(SECRET.lower() in each.lower() for each in told)


def outcome(text: str) -> None:
    """Read or refused, and what is read names a kind that there is, with all of what it has been offered as."""
    found = read(text)
    if isinstance(found, NotInferredError):
        assert str(found)
        return
    assert found.kind in SPECS
    assert found.check["type"] == found.kind
    assert found.kind not in found.others
    for kind in found.others:
        assert infer_check(text, wanted=kind).kind == kind


def read(text: str) -> Inferred | NotInferredError:
    try:
        return infer_check(text)
    except NotInferredError as refused:
        return refused


def submitted(found: Inferred) -> object:
    """The rules of submission take it."""
    check = read_check(dict(found.check), policy_is_private=True)
    assert kind_of(check) == found.kind
    return check
