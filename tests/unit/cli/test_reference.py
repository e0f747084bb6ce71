"""The guide of the command line is made from the commands, and every command explains itself."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from control_plane.cli import COMMANDS, SECTIONS, exit_codes, farwatch
from control_plane.cli.output import FORMATS
from tests.support.write_cli_reference import REFERENCE, reference

OWN_FORMS = {"farwatch export", "farwatch tail"}
"""Whose -o chooses among other forms, which their help lists."""


def leaves(command: click.Command, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from leaves(inner, click.Context(inner, info_name=name, parent=context))
    else:
        yield context.command_path, command


ALL = dict(leaves(farwatch, click.Context(farwatch, info_name="farwatch")))


def test_the_guide_is_the_one_that_was_reviewed() -> None:
    assert REFERENCE.read_text() == reference(), (
        "if the change is meant: python -m tests.support.write_cli_reference, and review the diff"
    )


def test_every_command_is_in_one_section() -> None:
    assert len(COMMANDS) == sum(len(section) for section in SECTIONS.values())


@pytest.mark.parametrize("path", ALL)
def test_a_command_says_what_it_does_and_its_o_has_the_same_forms(path: str) -> None:
    command = ALL[path]
    assert command.help
    for option in command.params:
        if isinstance(option, click.Option) and option.name == "output" and isinstance(option.type, click.Choice):
            assert tuple(option.type.choices) == FORMATS or path in OWN_FORMS


def test_the_guide_names_every_exit_status() -> None:
    statuses = {value for name, value in vars(exit_codes).items() if name.isupper()}
    text = REFERENCE.read_text()
    assert all(f"| {status} |" in text for status in statuses)


@pytest.mark.parametrize(
    ("group", "word", "own"),
    [
        ("members", "ls", "list"),
        ("invitations", "add", "create"),
        ("members", "rm", "remove"),
        ("keys", "create", "add"),
    ],
)
def test_the_other_word_for_a_verb_does_the_same_and_is_not_listed(group: str, word: str, own: str) -> None:
    context = click.Context(farwatch, info_name="farwatch")
    found = farwatch.get_command(context, group)
    assert isinstance(found, click.Group)
    other = found.get_command(context, word)
    assert other is not None
    assert other.hidden
    assert other.callback is found.commands[own].callback
    assert word not in found.get_help(context).split()
