"""The end of an agent that may take its time: its share is taken over, its checks end, and nothing is lost."""

from __future__ import annotations

import asyncio

import structlog

from agent.link.client import Client, NotAccepted, Refused, Unreachable

log = structlog.get_logger()

DRAIN_S = 10.0
"""Checks under way have this long to end."""

ASK_EVERY_S = 0.2


async def hand_over(client: Client, *, within_s: float) -> bool:
    """End our lease, and wait until all others of the region have heard of it; whether they have.

    What is due in the meantime is still ours to run: they begin with the first slot after they heard.
    """
    try:
        async with asyncio.timeout(within_s):
            await _until_handed_over(client)
    except TimeoutError:
        log.warning("not all of the region's agents have taken over yet")
        return False
    except (Refused, Unreachable, NotAccepted) as error:
        log.warning("the control plane does not hear our goodbye; our lease ends by itself", error=str(error))
        return False
    return True


async def _until_handed_over(client: Client) -> None:
    while True:
        if (await client.goodbye()).handed_over:
            return
        await asyncio.sleep(ASK_EVERY_S)
