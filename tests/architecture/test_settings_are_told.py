"""Every setting of both programs stands in docs/operating.md."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from agent.settings import FOREIGN_SECTIONS as AGENTS_FOREIGN
from agent.settings import Settings as AgentsSettings
from control_plane.settings import FOREIGN_SECTIONS, Settings

GUIDE = (Path(__file__).parents[2] / "docs" / "operating.md").read_text()


def _names(settings: type[msgspec.Struct]) -> list[str]:
    sections = msgspec.structs.fields(settings)
    return [f"{section.name}.{field.name}" for section in sections for field in msgspec.structs.fields(section.type)]


@pytest.mark.parametrize("name", _names(Settings) + _names(AgentsSettings))
def test_a_setting_stands_in_the_guide(name: str) -> None:
    assert f"`{name}`" in GUIDE, f"docs/operating.md does not say what {name} is for"


def test_the_guide_names_no_setting_that_does_not_exist() -> None:
    known = {*_names(Settings), *_names(AgentsSettings)}
    rows = [line.split("|")[1] for line in GUIDE.splitlines() if line.startswith("| `")]
    told = {name.strip(" `") for row in rows for name in row.split(",") if "." in name}
    assert told, "the guide has no table of settings any more"
    assert told <= known


def test_either_program_starts_with_the_settings_of_the_other_around_it() -> None:
    assert set(AGENTS_FOREIGN) == {*_sections(Settings), "cli"}
    assert set(FOREIGN_SECTIONS) == {*_sections(AgentsSettings), "cli"}


def _sections(settings: type[msgspec.Struct]) -> set[str]:
    return {section.name for section in msgspec.structs.fields(settings)}
