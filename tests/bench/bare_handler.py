"""python -m tests.bench.bare_handler PORT DSN: aiohttp answering a GET from one query, and nothing else."""

from __future__ import annotations

import sys
from uuid import UUID

import asyncpg
import orjson
import uvloop
from aiohttp import web

_QUERY = 'SELECT id, name, kind, "check", interval_s, regions, tags FROM monitors WHERE id = $1'


async def _app(dsn: str) -> web.Application:
    pool = await asyncpg.create_pool(dsn, min_size=4, max_size=10)

    async def monitor(request: web.Request) -> web.Response:
        async with pool.acquire() as conn:
            row = await conn.fetchrow(_QUERY, UUID(request.match_info["id"]))
        return web.Response(body=orjson.dumps(dict(row), default=str), content_type="application/json")

    app = web.Application()
    app.router.add_get("/monitors/{id}", monitor)
    return app


if __name__ == "__main__":
    uvloop.install()
    web.run_app(_app(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
