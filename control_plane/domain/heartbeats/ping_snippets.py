"""How a job pings its heartbeat, for where it runs: lines to paste. Pure. `url` is the heartbeat's ping URL."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

_CURL: Final = "curl -fsS -m 10 --retry 5 -o /dev/null"


class PingSnippet(Struct, frozen=True):
    """`key` in ids, `title` and `about` for people."""

    key: str
    title: str
    about: str
    text: str


def curl_line(url: str) -> str:
    """The ping itself, sent again where it could not be stored."""
    return f'{_CURL} "{url}"'


def crontab_line(schedule: str, url: str) -> str:
    """The job's exit code is what it says."""
    return f"{schedule}  your-job; {curl_line(f'{url}/$?')}"


def more_snippets(url: str) -> list[PingSnippet]:
    """Besides curl and a crontab."""
    return [
        PingSnippet("shell", "Shell, with run times", "A start and a finish: a run that hangs is found.", _shell(url)),
        PingSnippet("python", "Python", "Nothing to install. What failed is told, and goes on failing.", _python(url)),
        PingSnippet("systemd", "systemd", "In the unit of the job, whose timer stays as it is.", _systemd(url)),
    ]


def _shell(url: str) -> str:
    return f"{curl_line(f'{url}/start')}\nyour-job\n{curl_line(f'{url}/$?')}"


def _python(url: str) -> str:
    return f"""from urllib.request import urlopen

try:
    your_job()
except BaseException:
    urlopen("{url}/fail", timeout=10).close()
    raise
urlopen("{url}", timeout=10).close()"""


def _systemd(url: str) -> str:
    """SERVICE_RESULT is what systemd.exec(5) sets for ExecStopPost; $$ is a $ for the shell (systemd.service(5))."""
    ended = f"case $$SERVICE_RESULT in success) how= ;; *) how=/fail ;; esac; {_CURL} {url}$$how"
    return f"""[Service]
ExecStartPre=-/bin/sh -c '{_CURL} {url}/start'
ExecStart=/usr/local/bin/your-job
ExecStopPost=-/bin/sh -c '{ended}'"""
