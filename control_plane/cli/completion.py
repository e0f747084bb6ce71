"""`farwatch completion`: what makes a shell complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script for bash, zsh or fish.

    \b
    bash:  eval "$(farwatch completion bash)"  in ~/.bashrc
    zsh:   eval "$(farwatch completion zsh)"   in ~/.zshrc
    fish:  farwatch completion fish > ~/.config/fish/completions/farwatch.fish
    """
    made = get_completion_class(shell)
    assert made is not None
    root = context.find_root()
    click.echo(made(root.command, {}, "farwatch", "_FARWATCH_COMPLETE").source())
