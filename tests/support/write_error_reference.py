"""Write docs/errors.md, to which tests/contract holds the registry: python -m tests.support.write_error_reference"""

from __future__ import annotations

from pathlib import Path

from control_plane.error_codes import ErrorCode, chapters

REFERENCE = Path(__file__).parents[2] / "docs" / "errors.md"
HEAD = """\
# Errors

Every refusal of the API has one shape:

```json
{"error": {"code": "INVALID_INTERVAL", "message": "…", "field": "/interval", "details": null, "trace_id": "…"}}
```

`code` is stable: programs may rely on it. `message` is for people and may change. `field` is a JSON Pointer (RFC 6901)
into the request, `details` holds what programs may want to know, and `trace_id` names the request in the logs. With
`Accept: application/problem+json` the same is said as RFC 9457 has it; `type` is then `urn:farwatch:error:` and the
code in lower case with dashes, which is also its anchor here and on the page `/docs/errors` of every installation.

A request that breaks several rules is told of all that are found: the others are in `details.also`.

This page is made from `control_plane/error_codes.toml` (`python -m tests.support.write_error_reference`).
"""


def reference() -> str:
    """The whole page."""
    parts = [HEAD]
    for chapter in chapters():
        parts += [f"\n## {chapter.title}\n", *map(_entry, chapter.codes)]
    return "\n".join(parts).rstrip() + "\n"


def _entry(entry: ErrorCode) -> str:
    statuses = " or ".join(map(str, entry.statuses))
    return f'### <a id="{entry.anchor}"></a>`{entry.code}` · {statuses}\n\n{entry.meaning} {entry.remedy}\n'


if __name__ == "__main__":
    REFERENCE.write_text(reference())
