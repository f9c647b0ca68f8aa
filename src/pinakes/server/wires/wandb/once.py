"""What several resolvers of one request want is asked once: the first makes the task, the others wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar, cast

from pinakes.server.wires.wandb.context import Context

T = TypeVar("T")


async def once(ctx: Context, key: Hashable, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Return what `make` finds, found once for each key of a request.

    A resolver that is given up leaves the task to the others; the request waits for what is left (`Context.settle`).
    """
    task = cast("asyncio.Task[T] | None", ctx.memory.get(key))
    if task is None:
        task = ctx.memory[key] = asyncio.create_task(make())
    return await asyncio.shield(task)
