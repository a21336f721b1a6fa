"""Waiting for a condition inside an event loop."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], bool], turns: int = 5000) -> None:
    """Lets the loop run until the condition holds; fails when it does not in about five seconds."""
    for _ in range(turns):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("the condition did not come true in time")
