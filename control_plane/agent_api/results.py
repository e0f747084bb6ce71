"""POST /results: a batch, answered item by item after its commit."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import orjson
import structlog
from msgspec import Raw, Struct

from control_plane.agent_api.server_time import time_header
from control_plane.errors import BadRequest, Unavailable
from control_plane.metrics import BATCH_RESULTS, BATCH_SECONDS, RESULTS
from control_plane.services.alerting.stream_events import publish_results
from control_plane.services.fleet.ingest_results import Reporter, ingest_results
from control_plane.services.judging.count_decisions import count_decisions
from control_plane.web.call import Call, Reply
from control_plane.web.caller import AgentCaller
from control_plane.web.routes import Door, Route
from shared.clock import to_unix_ms
from shared.protocol import MAX_RESULTS, BatchReceipt, ResultBatch
from shared.results import CheckResult

MAX_COMPRESSED = 16 * 1024 * 1024
MAX_PLAIN = 64 * 1024 * 1024

_log = structlog.get_logger(__name__)


class Envelope(Struct, frozen=True):
    """A batch whose items are yet to be read."""

    sent_at: int
    items: list[Raw]


class LooseEnvelope(Struct, frozen=True):
    sent_at: int
    items: list[Any]


_batch = msgspec.json.Decoder(ResultBatch)
_envelope = msgspec.json.Decoder(Envelope)
_item = msgspec.json.Decoder(CheckResult)
_NO_ITEM = Raw(b"null")


def decode_batch(raw: bytes) -> tuple[int, Sequence[CheckResult | None]]:
    """`sent_at` and the items; None for an item that cannot be read, so that it fails nobody but itself.

    Raises BadRequest INVALID_JSON, INVALID_BODY or TOO_MANY_ITEMS when there is no batch to speak of.
    """
    try:
        batch = _batch.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass  # looked at item by item below, which also says what is wrong
    else:
        return batch.sent_at, batch.items
    envelope = _decode_envelope(raw)
    if len(envelope.items) > MAX_RESULTS:
        message = f"A batch has at most {MAX_RESULTS} items, this one has {len(envelope.items)}: send it in parts"
        raise BadRequest(message, code="TOO_MANY_ITEMS", field="/items")
    return envelope.sent_at, [_decode_item(item) for item in envelope.items]


def _decode_envelope(raw: bytes) -> Envelope:
    try:
        return _envelope.decode(raw)
    except msgspec.ValidationError as error:
        raise _no_batch(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _decode_loosely(raw, str(error))


def _decode_loosely(raw: bytes, why: str) -> Envelope:
    """JSON allows half a surrogate pair, msgspec does not: found in one item, it must not fail the whole batch."""
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        raise BadRequest(f"The body is not JSON: {why}", code="INVALID_JSON") from None
    try:
        loose = msgspec.convert(document, LooseEnvelope)
    except msgspec.ValidationError as error:
        raise _no_batch(error) from None
    return Envelope(loose.sent_at, [_written_again(item) for item in loose.items])


def _written_again(item: Any) -> Raw:
    try:
        return Raw(orjson.dumps(item))
    except (orjson.JSONEncodeError, RecursionError):
        return _NO_ITEM


def _no_batch(error: msgspec.ValidationError) -> BadRequest:
    return BadRequest(f"This is not a batch of results: {error}", code="INVALID_BODY")


def _decode_item(raw: Raw) -> CheckResult | None:
    try:
        return _item.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


async def report_results(call: Call) -> Reply:
    agent = call.agent()
    await asyncio.sleep(0)  # unpacking has held the loop as long as decoding will: let others have it in between
    sent_at, items = decode_batch(call.body)
    reporter = Reporter(agent_id=agent.agent_id, agent_number=agent.agent_number, region_id=agent.region_id)
    started = time.perf_counter()
    ingested = await ingest_results(call.deps.database, reporter, sent_at=sent_at, items=items)
    BATCH_SECONDS.observe(time.perf_counter() - started)
    BATCH_RESULTS.observe(len(items))
    for status, count in Counter(ingested.statuses).items():
        RESULTS.labels(status).inc(count)
    count_decisions(ingested.decisions)
    await _tell_watchers(call, agent, items, ingested.statuses)
    return Reply(BatchReceipt(to_unix_ms(call.deps.now()), ingested.statuses), headers=time_header(call))


async def _tell_watchers(
    call: Call, agent: AgentCaller, items: Sequence[CheckResult | None], statuses: Sequence[str]
) -> None:
    """Live checks are never replayed: one that cannot be told of is not missed."""
    watched = call.deps.hub.watched_tenants()
    if not watched:
        return
    try:
        await publish_results(
            call.deps.database,
            region_id=agent.region_id,
            region=agent.region_slug,
            items=items,
            statuses=statuses,
            watched=watched,
        )
    except Unavailable as error:
        _log.info("checks_not_published", error=str(error))


ROUTES = (
    Route(
        method="POST",
        path="/api/agent/v1/results",
        handler=report_results,
        operation="agent_results",
        summary="Report results; each item is settled by the answer",
        description="At most 10 000 items, 16 MiB as sent and 64 MiB unpacked (gzip).",
        tag="agent",
        door=Door.AGENT,
        body=bytes,
        schema=ResultBatch,
        reply=BatchReceipt,
        max_body=MAX_COMPRESSED,
        ungzip_limit=MAX_PLAIN,
        errors=("AGENT_DISABLED", "INVALID_BODY", "TOO_MANY_ITEMS"),
        example={
            "sent_at": 1_780_000_000_000,
            "items": [
                {
                    "monitor_id": "0197a2f0-0000-7000-8000-000000000002",
                    "check_version": 1,
                    "slot": 1_780_000_000_000,
                    "outcome": "up",
                    "total": 41.5,
                }
            ],
        },
    ),
)
