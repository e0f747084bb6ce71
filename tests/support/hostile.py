"""The hostile inputs in tests/support/corpora: rows of the address guard, and values that requests must not carry."""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from _pytest.mark.structures import ParameterSet

CORPORA = Path(__file__).parent / "corpora"


class GuardRow(msgspec.Struct, frozen=True):
    """`surface` says where the text comes from, `setup` what the network answers."""

    id: str
    surface: str
    input: str
    setup: str
    expected: str
    stage: str
    code: str


def guard_rows(surface: str) -> list[ParameterSet]:
    """The rows of one surface, each as a parameter named by its id."""
    return [pytest.param(row, id=row.id) for row in all_guard_rows() if row.surface == surface]


def all_guard_rows() -> Iterator[GuardRow]:
    with (CORPORA / "ssrf.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            text = row["input"]
            if row["enc"] == "unicode_escape":
                text = codecs.decode(text.encode("latin-1", "backslashreplace"), "unicode_escape")
            yield GuardRow(row["id"], row["surface"], text, row["setup"], row["expected"], row["stage"], row["code"])


class BadInput(msgspec.Struct, frozen=True):
    """`value` at `field` is answered with `http` and `code`; 201 means that it is taken."""

    id: str
    kind: str
    field: str
    value: Any
    http: int
    code: str


def bad_inputs() -> list[BadInput]:
    """The rows whose input is a JSON value, or a body that decodes to one."""
    lines = (CORPORA / "bad_inputs.jsonl").read_text(encoding="utf-8").splitlines()
    return [_bad_input(msgspec.json.decode(line)) for line in lines]


def bad_input_params(*fields: str) -> list[ParameterSet]:
    """The rows about one of `fields`, each as a parameter named by its id."""
    return [pytest.param(row, id=row.id) for row in bad_inputs() if row.field in fields]


def _bad_input(row: dict[str, Any]) -> BadInput:
    field, value = row.get("field", ""), row.get("value")
    if "gen" in row:
        value = _generated(row["gen"])
    if "raw_utf8" in row:
        # json, not msgspec: a lone surrogate has to get through to where it is refused.
        field, value = _only_leaf(json.loads(row["raw_utf8"]))
    return BadInput(row["id"], row["kind"], field, value, row["expect"]["http"], row["expect"]["code"])


def _only_leaf(document: dict[str, Any]) -> tuple[str, Any]:
    ((name, value),) = document.items()
    if isinstance(value, dict):
        rest, leaf = _only_leaf(value)
        return f"{name}.{rest}", leaf
    return name, value


def _generated(recipe: dict[str, Any]) -> str:
    prefix = recipe.get("prefix", "")
    count = recipe["total"] - len(prefix) if "total" in recipe else recipe["count"]
    return str(prefix + recipe["repeat"] * count)
