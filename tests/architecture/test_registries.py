"""The registries are the lists: nothing is in one and missing from what must go with it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import agent.checks
import shared.checks
from control_plane.app import all_routes
from control_plane.domain.checks import check_rules
from control_plane.domain.checks.kinds import SPECS
from control_plane.notify import TRANSPORTS
from control_plane.services.judging import sole_votes
from control_plane.web.routes import Door

ROOT = Path(__file__).parents[2]


def test_every_check_kind_has_a_runner_a_spec_and_a_doc_line() -> None:
    guide = (ROOT / "docs" / "checks.md").read_text()
    assert set(agent.checks.CHECKS) == set(shared.checks.CHECKS)
    of_regions = {kind for kind, rules in check_rules.RULES.items() if not rules.regionless}
    assert of_regions == set(shared.checks.CHECKS)
    for kind in of_regions:
        assert (ROOT / "shared" / "checks" / f"{kind}.py").exists()
        assert (ROOT / "agent" / "checks" / f"{kind}.py").exists()
        assert f"## `{kind}`" in guide


def test_every_kind_without_regions_has_a_spec_rules_a_vote_and_a_page() -> None:
    kinds = {kind for kind, rules in check_rules.RULES.items() if rules.regionless}
    assert set(check_rules.RULES) == set(SPECS)
    assert kinds == set(SPECS) - set(shared.checks.CHECKS) == set(sole_votes.READERS) == set(sole_votes.STALE)
    for kind in kinds:
        assert (ROOT / "control_plane" / "domain" / "checks" / f"{kind}_check.py").exists()
        assert (ROOT / "docs" / f"{kind}s.md").exists()


def test_every_transport_is_one_file_of_its_name() -> None:
    for name in TRANSPORTS:
        assert (ROOT / "control_plane" / "notify" / f"{name}.py").exists()


def test_every_tenant_route_declares_its_scope_or_is_open_by_choice() -> None:
    open_routes = {route.operation for route in all_routes() if route.door is Door.TENANT and route.scope is None}
    assert open_routes <= {"get_meta", "get_me", "list_my_sessions", "end_my_session", "end_my_sessions"}


def test_operations_are_named_once() -> None:
    names = [route.operation for route in all_routes()]
    assert len(names) == len(set(names))


def test_no_door_imports_another() -> None:
    doors = ("tenant_api", "operator_api", "agent_api", "public_site", "dashboard")
    crossings = []
    for door in doors:
        for path in (ROOT / "control_plane" / door).rglob("*.py"):
            for module in imported(path):
                crossings += [f"{path.name} -> {module}" for other in doors if other != door and f".{other}" in module]
    assert crossings == []


def imported(path: Path) -> list[str]:
    modules = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules.append(node.module)
        elif isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
    return modules


@pytest.mark.parametrize(
    ("house", "at_the_door"),
    [
        ("services", set()),
        ("domain", {"field_rules", "instants", "key_presets", "span_words"}),
        (
            "dashboard",
            {"assets", "fields", "installable", "live", "monitor_choice", "navigation", "rendering", "visit", "words"},
        ),
    ],
)
def test_every_module_is_in_a_room_that_is_listed(house: str, at_the_door: set[str]) -> None:
    folder = ROOT / "control_plane" / house
    listed = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    rooms = {path.parent.name for path in folder.glob("*/__init__.py")}
    assert {path.stem for path in folder.glob("*.py")} == at_the_door | {"__init__"}
    assert rooms - set(re.findall(r"\w+", listed)) == set()


@pytest.mark.parametrize("house", ["services", "domain"])
def test_a_name_is_enough_to_find_a_module(house: str) -> None:
    folder = ROOT / "control_plane" / house
    names = [path.name for path in folder.glob("*/*.py") if path.name != "__init__.py"]
    assert len(names) == len(set(names)) > 100


def test_every_guide_is_named_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [path.name for path in (ROOT / "docs").glob("*.md") if f"docs/{path.name})" not in readme] == []
