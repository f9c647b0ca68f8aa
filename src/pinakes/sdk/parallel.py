"""Several things at once: in tasks for the asynchronous half of the SDK, in threads for the blocking one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


async def each_async(
    work: Callable[[T], Awaitable[None]], things: Iterable[T], at_once: int, stop: Callable[[], None]
) -> None:
    """Do something with each, several at once; after the first failure, which is raised, nothing more is begun.

    What is on its way then may end, unless `stop` or whoever waits for all of this ends it.
    """
    left, failed = iter(things), False

    async def worker() -> None:
        nonlocal failed
        for thing in left:
            if failed:
                return
            try:
                await work(thing)
            except BaseException:
                failed = True
                raise

    workers = [asyncio.create_task(worker()) for _ in range(max(1, at_once))]
    try:
        await asyncio.gather(*workers)  # cancelled itself, it cancels them
    except BaseException:
        stop()
        raise
    finally:
        await asyncio.gather(*workers, return_exceptions=True)


def each(work: Callable[[T], None], things: Iterable[T], at_once: int, stop: Callable[[], None]) -> None:
    """Do something with each, several at once, as `each_async` does."""
    left, lock, ended = iter(things), threading.Lock(), threading.Event()

    def worker() -> None:
        while not ended.is_set():
            with lock:
                more = [*_first(left)]
            if not more:
                return
            try:
                work(more[0])
            except BaseException:
                ended.set()
                raise

    with ThreadPoolExecutor(max(1, at_once), thread_name_prefix="pinakes") as pool:
        workers = [pool.submit(worker) for _ in range(max(1, at_once))]
        try:
            for one in as_completed(workers):
                one.result()
        except BaseException:
            ended.set()  # by an interrupt, too
            stop()
            raise


def _first(left: Iterable[T]) -> Iterable[T]:
    for thing in left:
        yield thing
        return


async def in_thread_async(work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """Do what keeps a processor or a disk busy, without keeping the event loop from its work."""
    return await asyncio.to_thread(work, *args, **named)


def in_thread(work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """Do it here: whoever calls is in a thread already."""
    return work(*args, **named)
