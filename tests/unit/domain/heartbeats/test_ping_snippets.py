"""Lines with which a job pings: each says how it ended, and the shell and Python ones do what they say."""

from __future__ import annotations

import subprocess

import pytest

from control_plane.domain.heartbeats.ping_snippets import crontab_line, curl_line, more_snippets

URL = "https://watch.example.com/ping/01900000-0000-4000-8000-000000000001"
MORE = {each.key: each.text for each in more_snippets(URL)}


def test_a_line_of_a_crontab_tells_what_the_job_ended_with() -> None:
    assert curl_line(URL) == f'curl -fsS -m 10 --retry 5 -o /dev/null "{URL}"'
    assert crontab_line("0 3 * * *", URL) == f"0 3 * * *  your-job; {curl_line(f'{URL}/$?')}"


@pytest.mark.parametrize("code", [0, 3])
def test_the_script_pings_its_start_and_how_it_ended(code: int) -> None:
    heard = f'curl() {{ echo "${{@: -1}}"; }}\nyour-job() {{ return {code}; }}\n{MORE["shell"]}'
    said = subprocess.run(["bash", "-c", heard], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines() == [f"{URL}/start", f"{URL}/{code}"]


@pytest.mark.parametrize(("result", "end"), [("success", ""), ("exit-code", "/fail"), ("timeout", "/fail")])
def test_the_unit_tells_a_failure_of_whatever_sort(result: str, end: str) -> None:
    command = next(line for line in MORE["systemd"].splitlines() if line.startswith("ExecStopPost=-/bin/sh -c "))
    script = command.partition("-c ")[2].strip("'").replace("$$", "$")
    heard = f"curl() {{ for each; do :; done; echo $each; }}\nSERVICE_RESULT={result}\n{script}"
    said = subprocess.run(["sh", "-c", heard], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == f"{URL}{end}"


@pytest.mark.parametrize(("fails", "heard"), [(False, [URL]), (True, [f"{URL}/fail"])])
def test_what_fails_in_python_is_told_and_goes_on_failing(fails: bool, heard: list[str]) -> None:
    asked: list[str] = []

    class Answer:
        def close(self) -> None:
            pass

    def your_job() -> None:
        if fails:
            raise ValueError("no space left")

    def urlopen(url: str, timeout: float) -> Answer:
        assert timeout == 10
        asked.append(url)
        return Answer()

    first, rest = MORE["python"].split("\n", 1)
    assert first == "from urllib.request import urlopen"
    run = compile(rest, "snippet", "exec")
    if fails:
        with pytest.raises(ValueError, match="no space left"):
            exec(run, {"urlopen": urlopen, "your_job": your_job})
    else:
        exec(run, {"urlopen": urlopen, "your_job": your_job})
    assert asked == heard
