"""`farwatch validate` and `schema`: files are checked here, without a server, and by editors."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import click

from control_plane.cli import exit_codes
from control_plane.cli.config_files import Merged, files_argument, read_files
from control_plane.cli.output import printable
from control_plane.cli.talk import say
from control_plane.domain.configuration.config_references import expand_references
from control_plane.domain.monitors.region_choice import RegionChoice
from control_plane.errors import FarwatchError
from control_plane.notify import every_transport
from control_plane.sealing import Sealer
from control_plane.services.configuration.plan_configuration import plan_configuration
from control_plane.services.configuration.plan_steps import Means
from control_plane.services.configuration.read_configuration import Stored
from control_plane.tenant_api.config_schema import file_schema
from shared.ids import TenantId


@click.command()
@files_argument
def validate(files: tuple[str, ...]) -> None:
    """Check FILES by all rules that need no server. Which regions there are, quotas and what is stored it cannot know;
    a variable that is not set counts as some text."""
    merged = read_files(files)
    document = expand_references(merged.document, _resolve)
    means = Means(sealer=Sealer({"k": b"k" * 32}), transports=every_transport(), ports="any", new_id=uuid4)
    try:
        planned = plan_configuration(_nothing(document), document, means)
    except FarwatchError as error:
        _tell(merged, error.code, error.message, error.field)
        for other in (error.details or {}).get("also", ()):
            _tell(merged, other["code"], other["message"], other["field"])
        sys.exit(exit_codes.FAILED)
    objects = _counted(sum(1 for _ in planned.steps), "object")
    say(f"Good: {objects} in {_counted(len(merged.sources), 'file')}.", style="green")


@click.command()
def schema() -> None:
    """Print the JSON Schema of the configuration file, for editors."""
    sys.stdout.buffer.write(file_schema())


def _resolve(source: str, named: str, pointer: str) -> str:
    """Text of about the right form, where the real one is not at hand."""
    held = os.environ.get(named) if source == "env" else None
    return held or ("https://placeholder.example.com/" if pointer.endswith("url") else "placeholder-text-of-a-secret")


def _nothing(document: Any) -> Stored:
    """A tenant that has nothing yet, and every region that the files name. Their agents judge private addresses."""
    monitors = document.get("monitors") or ()
    named = [one.get("regions") for one in monitors if isinstance(one, dict)]
    slugs = sorted({slug for slugs in named if isinstance(slugs, list) for slug in slugs if isinstance(slug, str)})
    regions = [RegionChoice(id=place, slug=slug, private=True) for place, slug in enumerate(slugs or ["any"])]
    return Stored(
        tenant_id=TenantId(uuid4()),
        now=datetime.now(UTC),
        fingerprint="",
        regions=tuple(regions),
        monitors=(),
        bindings={},
        upstreams={},
        channels=(),
        windows=(),
    )


def _tell(merged: Merged, code: str, message: str, field: str | None) -> None:
    say(printable(f"{merged.place(field)}: {code}: {message} (at {field})"), style="red")


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
