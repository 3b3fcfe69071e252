"""Ending background tasks for certain."""

import asyncio

_AGAIN_S = 0.5


async def end(*tasks: "asyncio.Task[None] | None") -> None:
    """Cancel tasks and wait for them; what they raise is dropped, those that are None are left out.

    A cancellation can get lost in what a task waits for (``asyncio.wait_for`` before Python 3.12 loses it
    when its own wait ends in the same moment), so it is repeated until the task has ended.
    """
    ended = [task for task in tasks if task is not None]
    pending = set(ended)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_AGAIN_S)
    await asyncio.gather(*ended, return_exceptions=True)
