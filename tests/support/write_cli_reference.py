"""Write docs/cli.md from the commands: python -m tests.support.write_cli_reference"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from control_plane.cli import SECTIONS, farwatch

REFERENCE = Path(__file__).parents[2] / "docs" / "cli.md"
HEAD = """\
# The command line

`farwatch` runs an installation and talks to one. Commands that talk to one take `--url` and `--key`, or
`FARWATCH_CLI__URL` and `FARWATCH_CLI__KEY`; beside an installation of `farwatch up` they need neither.

Data goes to stdout, talk to stderr; nothing is coloured and no bar is drawn where nobody looks. `-o` chooses the form:
`table` for people, `json` and `yaml` for programs (the answer of the API as it is), `name` for the next command:

```sh
farwatch monitors ls --tag staging -o name | xargs -n 1 farwatch monitors pause
```

Where a command takes a monitor, channel, key or delivery, its id, its number or its exact name will do.

## Exit statuses

| status | meaning |
|---|---|
| 0 | done |
| 1 | unhealthy, or the work failed |
| 2 | used wrongly |
| 3 | not found |
| 4 | no key, or one that may not do this |
| 5 | the control plane or an agent cannot be reached |
| 6 | drift: `plan` found something to change |

A deployment waits for health, or stops:

```sh
farwatch assert-healthy --tag shop --wait 120 || exit 1
```

## Completions

```sh
eval "$(farwatch completion bash)"                                    # in ~/.bashrc
eval "$(farwatch completion zsh)"                                     # in ~/.zshrc
farwatch completion fish > ~/.config/fish/completions/farwatch.fish
```

What follows is made from the commands themselves (`python -m tests.support.write_cli_reference`).
"""


def reference() -> str:
    """The whole page."""
    root = click.Context(farwatch, info_name="farwatch")
    parts = [HEAD]
    for title, section in SECTIONS.items():
        parts.append(f"\n## {title}\n")
        for name in section:
            command = farwatch.get_command(root, name)
            assert command is not None, name
            parts += _told(command, click.Context(command, info_name=name, parent=root))
    return "\n".join(parts).rstrip() + "\n"


def _told(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"### `{context.command_path}`\n\n{_words(command)}\n"
    own = [each for each in command.params if isinstance(each, click.Option) and each.name not in _EVERYWHERE]
    if isinstance(command, click.Group):
        yield from _table(command, context)
        return
    yield f"`{_usage(command, context)}`\n"
    yield from (f"- `{', '.join(each.opts + each.secondary_opts)}`{_says(each)}" for each in own)
    if own:
        yield ""


_EVERYWHERE = ("output", "url", "key")


def _table(group: click.Group, context: click.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        if command.hidden:
            continue
        inner = click.Context(command, info_name=name, parent=context)
        options = " ".join(
            f"`{each.opts[-1]}`"
            for each in command.params
            if isinstance(each, click.Option) and each.name not in _EVERYWHERE
        )
        yield f"- `{_usage(command, inner)}` – {_words(command)}{f' Options: {options}' if options else ''}"
    yield ""


def _usage(command: click.Command, context: click.Context) -> str:
    words = [piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]"]
    return " ".join([context.command_path, *words])


def _words(command: click.Command) -> str:
    return " ".join((command.help or "").replace("\b", "").split())


def _says(option: click.Option) -> str:
    return f" – {option.help}" if option.help else ""


if __name__ == "__main__":
    REFERENCE.write_text(reference())
