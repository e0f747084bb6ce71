"""What is said of a control plane that cannot be reached, by what lies deepest in the error."""

from __future__ import annotations

import socket
import ssl

import httpx
import pytest

from agent.commands.remedies import of_error, of_status


def raised(outer: Exception, inner: BaseException) -> Exception:
    outer.__context__ = inner
    return outer


def expired() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = 10, "certificate has expired"
    return error


@pytest.mark.parametrize(
    ("error", "text", "remedy"),
    [
        (raised(httpx.ConnectError("x"), socket.gaierror(-2, "Name or service not known")), "resolved", "DNS"),
        (raised(httpx.ConnectError("x"), ConnectionRefusedError(111, "refused")), "refused", "port"),
        (raised(httpx.ConnectError("x"), expired()), "certificate has expired", "clock"),
        (httpx.ProxyError("403 Forbidden"), "403 Forbidden", "FARWATCH_AGENT__PROXY"),
        (httpx.ConnectTimeout(""), "no connection in time", "firewalls"),
        (httpx.ReadTimeout(""), "no answer in time", "firewalls"),
        (httpx.UnsupportedProtocol("x"), "no http or https URL", "https://"),
        (
            raised(httpx.ConnectError("x"), ExceptionGroup("two tries", [OSError("a"), ConnectionRefusedError("b")])),
            "refused",
            "port",
        ),
        (httpx.ReadError("odd"), "odd", "address"),
        (httpx.ReadError(""), "ReadError", "address"),
    ],
)
def test_each_cause_has_its_words_and_its_remedy(error: Exception, text: str, remedy: str) -> None:
    said, advice = of_error(error)
    assert text in said
    assert remedy in advice


def test_a_status_has_a_remedy_and_no_status_has_none() -> None:
    assert of_status(None) is None
    assert "enable" in (of_status(403) or "")
    assert "log" in (of_status(502) or "")
    assert "address" in (of_status(418) or "")
