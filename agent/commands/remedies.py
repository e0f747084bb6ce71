"""Why the control plane cannot be reached or refuses, in plain words, and what whoever runs the agent can do."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import httpx

_BY_STATUS = {
    401: "The key is unknown there: it was revoked, rotated away, or is another installation's. "
    "Ask the operator for a valid probe key and join again.",
    403: "The operator has disabled this agent: ask them to enable it. Its key needs no change.",
    404: "No control plane answers at this path: give its base address, as https://farwatch.example, without /api.",
    407: "The proxy asks for credentials: write them into FARWATCH_AGENT__PROXY as http://user:password@host:port.",
    409: "Agent and control plane speak different versions: update the older of the two.",
}

FOREIGN = "Check that this is the control plane's address."


def of_status(status: int | None) -> str | None:
    """What to do about an answer with this status."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status is None:
        return None
    if status >= 500:
        return "The control plane, or a proxy in front of it, is in trouble: see its log."
    return FOREIGN


def of_error(error: Exception) -> tuple[str, str]:
    """What went wrong on the way to an answer, and what to do about it."""
    for cause in _causes(error):
        match cause:
            case ssl.SSLCertVerificationError():
                return f"its certificate is not trusted: {cause.verify_message}", _for_certificate(cause)
            case ssl.SSLError():
                reason = cause.reason or str(cause)
                return f"TLS failed: {reason}", "Check the port, and whether it speaks TLS: http:// or https://?"
            case socket.gaierror():
                return (
                    f"its name cannot be resolved: {cause.strerror}",
                    "Check the host in the URL and this machine's DNS.",
                )
            case ConnectionRefusedError():
                return "the connection was refused", "Check host and port, and whether the control plane runs."
            case httpx.ProxyError():
                return f"the proxy does not let us through: {cause}", "Check FARWATCH_AGENT__PROXY or HTTPS_PROXY."
            case httpx.TimeoutException():
                return _timed_out(cause), "Check firewalls on the way: outgoing TCP to this host and port is needed."
            case httpx.UnsupportedProtocol() | httpx.InvalidURL():
                return "it is no http or https URL", "Write it as https://farwatch.example."
    text = str(error) or type(error).__name__
    return text, "Check the address, the network and whether the control plane runs."


def _for_certificate(error: ssl.SSLCertVerificationError) -> str:
    match error.verify_code:
        case 62 | 64:  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
            return "Use a name that the certificate is for, or have one issued for this name."
        case 9 | 10:  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
            return "Renew the certificate, or correct this machine's clock."
    return "If a private authority issued it, name that authority's PEM file in FARWATCH_AGENT__CA_FILE."


def _timed_out(error: httpx.TimeoutException) -> str:
    return "no connection in time" if isinstance(error, httpx.ConnectTimeout) else "no answer in time"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """From what lies deepest, which is the most telling, outwards."""
    inner = error.__cause__ or error.__context__
    if inner is not None:
        yield from _causes(inner)
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _causes(each)
    yield error
