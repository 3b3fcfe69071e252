"""Load offered on a schedule, whether or not the answers keep up.

A generator that waits for an answer before it asks again measures nothing while the node stalls (coordinated
omission). Here each request has its moment, and its time counts from that moment.
"""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable


async def offer(
    rate: float, count: int, one: Callable[[int], Awaitable[None]], *, warm: int = 0
) -> list[float]:
    """Call ``one`` with 0, 1, … at ``rate`` a second; milliseconds from each call's moment to its end.

    The first ``warm`` calls are made and not counted. What a call raises is raised here.
    """
    took = [0.0] * count
    gc.collect()
    gc.freeze()  # what was made so far is not walked again during the run
    began = time.perf_counter() + 0.1

    async def call(number: int, due: float) -> None:
        await one(number)
        took[number] = (time.perf_counter() - due) * 1e3

    try:
        async with asyncio.TaskGroup() as calls:
            for number in range(count):
                due = began + number / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                calls.create_task(call(number, due))
    finally:
        gc.unfreeze()
    return took[warm:]
