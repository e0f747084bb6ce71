"""`farwatch-agent join`: each way to be turned away is told apart, and the unit that it writes is one systemd takes."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import stat
import subprocess
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from agent.commands.systemd import quoted, unit_text
from tests.integration.agent.test_agent_commands import command
from tests.support import targets
from tests.support.fake_control_plane import KEY, FakeControlPlane
from tests.support.farm import free_port
from tests.support.targets import Reader, Writer, serving

ROOT = Path(__file__).parents[3]


async def refused(url: str, directory: Path, key: str = KEY, **environment: str) -> tuple[int, str]:
    code, out, err = await command("join", url, "--key", key, "--state-dir", str(directory), **environment)
    assert out == ""
    assert not (directory / "agent.toml").exists()
    assert key not in err
    return code, err


@asynccontextmanager
async def answering(status: int, code: str) -> AsyncIterator[str]:
    """A control plane that says only this."""

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"error": {"code": code, "message": f"{code} it is"}}, status=status)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "code", "exit_code", "remedy"),
    [
        (401, "UNAUTHENTICATED", 4, "valid probe key"),
        (403, "AGENT_DISABLED", 4, "enable it"),
        (404, "NOT_FOUND", 5, "base address"),
        (409, "PROTOCOL_UNSUPPORTED", 1, "update the older"),
        (500, "INTERNAL", 5, "see its log"),
    ],
)
async def test_an_answer_that_refuses_names_url_status_and_remedy(
    tmp_path: Path, status: int, code: str, exit_code: int, remedy: str
) -> None:
    async with answering(status, code) as url:
        seen, err = await refused(url, tmp_path)
    assert seen == exit_code
    assert f"{url} answered {status}: {code} it is" in err
    assert remedy in err
    assert len(err.strip().splitlines()) == 2


async def test_some_other_web_site_is_told_from_a_control_plane(tmp_path: Path) -> None:
    async with serving(targets.ok(status="404 Not Found", body=b"<h1>nothing here</h1>")) as port:
        code, err = await refused(f"http://127.0.0.1:{port}", tmp_path)
    assert code == 5
    assert "answered 404" in err
    assert "base address" in err


async def test_a_web_site_that_says_yes_to_everything_is_told_from_a_control_plane(tmp_path: Path) -> None:
    async with serving(targets.ok(b"<html>Welcome</html>")) as port:
        code, err = await refused(f"http://127.0.0.1:{port}", tmp_path)

    assert code == 5
    assert f"http://127.0.0.1:{port}/api/agent/v1/hello answered 200, but not as a control plane does" in err
    assert "Check that this is the control plane's address." in err


async def test_nobody_there_and_no_such_scheme_are_told_apart(tmp_path: Path) -> None:
    nobody = await refused(f"http://127.0.0.1:{free_port()}", tmp_path)
    assert nobody[0] == 5
    assert "connection was refused" in nobody[1]
    scheme = await refused("ftp://127.0.0.1/", tmp_path)
    assert scheme[0] == 5
    assert "https://farwatch.example" in scheme[1]


def context_of(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


async def test_a_certificate_of_an_unknown_authority_is_refused_until_that_is_named(tmp_path: Path) -> None:
    authority = trustme.CA()
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    envelope = b'{"error":{"code":"UNAUTHENTICATED","message":"unknown key"}}'
    page = targets.ok(status="401 Unauthorized", body=envelope)
    async with serving(page, tls=context_of(authority.issue_cert("127.0.0.1"))) as port:
        code, err = await refused(f"https://127.0.0.1:{port}", tmp_path / "a")
        assert code == 5
        assert "certificate is not trusted" in err
        assert "FARWATCH_AGENT__CA_FILE" in err
        code, err = await refused(f"https://127.0.0.1:{port}", tmp_path / "b", FARWATCH_AGENT__CA_FILE=str(file))
        assert code == 4, err
    async with serving(page, tls=context_of(authority.issue_cert("elsewhere.example"))) as port:
        code, err = await refused(f"https://127.0.0.1:{port}", tmp_path / "c", FARWATCH_AGENT__CA_FILE=str(file))
        assert code == 5
        assert "Use a name that the certificate is for" in err
        code, err = await refused(f"http://127.0.0.1:{port}", tmp_path / "d")
        assert code == 5
    async with serving(targets.ok()) as port:
        code, err = await refused(f"https://127.0.0.1:{port}", tmp_path / "e")
        assert code == 5
        assert "http:// or https://?" in err
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("no certificate")
    code, err = await refused("https://127.0.0.1:9", tmp_path / "f", FARWATCH_AGENT__CA_FILE=str(nonsense))
    assert code == 2
    assert "FARWATCH_AGENT__CA_FILE" in err


async def test_the_agents_own_traffic_goes_through_a_proxy_and_join_remembers_it(tmp_path: Path) -> None:
    seen: list[bytes] = []
    plane = FakeControlPlane()
    async with plane.serving() as url, serving(forwarding(seen)) as port:
        proxy = f"http://127.0.0.1:{port}"
        code, _, err = await command(
            "join", url, "--key", KEY, "--state-dir", str(tmp_path), FARWATCH_AGENT__PROXY=proxy
        )
        assert code == 0, err
        assert seen[0].startswith(f"POST {url}/api/agent/v1/hello".encode())
        assert tomllib.loads((tmp_path / "agent.toml").read_text())["agent"]["proxy"] == proxy
        passed = len(seen)
        code, _, _ = await command("join", url, "--key", KEY, "--state-dir", str(tmp_path / "b"), http_proxy=proxy)
        assert code == 0, "a loopback address never goes through a proxy of the environment"
        assert len(seen) == passed


def forwarding(seen: list[bytes]) -> targets.Target:
    """An HTTP proxy: one request, whose URL is absolute, is passed on."""

    async def forward(reader: Reader, writer: Writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head)
        host = head.split(b" ", 2)[1].split(b"/", 3)[2].decode()
        there, back = await asyncio.open_connection(*host.split(":"))
        back.write(head.replace(b"http://" + host.encode(), b"", 1).replace(b"keep-alive", b"close"))
        back.write(await _body_of(head, reader))
        writer.write(await there.read())
        await writer.drain()
        back.close()

    return forward


async def _body_of(head: bytes, reader: Reader) -> bytes:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return await reader.readexactly(int(line.partition(b":")[2]))
    return b""


async def test_a_unit_is_written_beside_the_settings_and_systemd_has_nothing_against_it(tmp_path: Path) -> None:
    unit = tmp_path / "farwatch-agent.service"
    state = tmp_path / "state"
    async with FakeControlPlane().serving() as url:
        code, out, err = await command(
            *("join", url, "--key", KEY, "--state-dir", str(state), "--systemd", "--unit-file", str(unit))
        )
    assert (code, out) == (0, ""), err
    assert stat.S_IMODE((state / "agent.toml").stat().st_mode) == 0o600
    text = unit.read_text()
    assert KEY not in text, "the key stays where nobody else reads it"
    assert f"--state-dir {state}" in text
    assert f"ReadWritePaths={state}" in text
    for line in ("AmbientCapabilities=CAP_NET_RAW", "ProtectSystem=strict", "NoNewPrivileges=yes"):
        assert line in text.splitlines()
    assert "systemctl" in err
    assert "systemd:" not in err, "systemd-analyze complains"


async def test_a_unit_can_be_printed(tmp_path: Path) -> None:
    async with FakeControlPlane().serving() as url:
        code, out, _ = await command(
            *("join", url, "--key", KEY, "--state-dir", str(tmp_path), "--systemd", "--unit-file", "-")
        )
    assert code == 0
    assert out.startswith("# ")
    assert "[Service]" in out


def test_the_unit_in_deploy_is_the_one_that_join_writes() -> None:
    written = (ROOT / "deploy" / "agent" / "farwatch-agent.service").read_text()
    assert written == unit_text("/opt/farwatch/bin/farwatch-agent")


def test_a_path_with_specifiers_and_spaces_is_one_word_of_a_unit() -> None:
    assert quoted("/srv/a b/100%/$x") == '"/srv/a b/100%%/$$x"'
    assert quoted("/srv/plain") == "/srv/plain"
    with pytest.raises(ValueError, match="line break"):
        quoted("/srv/a\nExecStartPre=/bin/sh")


async def test_systemd_verifies_the_unit_of_the_default_place(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        assert "DynamicUser=yes" in unit_text("/bin/true")
        return
    unit = tmp_path / "farwatch-agent.service"
    unit.write_text(unit_text("/bin/true"))
    done = await asyncio.to_thread(
        subprocess.run, [analyze, "verify", str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    assert [line for line in done.stderr.splitlines() if unit.name in line] == []
