"""How a server process ends: what runs may go on to its end for a while, and what takes longer is undone in time.

When the process is told to end it takes no new connections, and streams without an end (server-sent events) end at
once. Everything else has until shortly before the time is over: then work that was begun for a request (a bulk call)
is stopped, so that its client still reads why; a moment later, whatever request is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from pinakes.server.errors import ShuttingDown

# Of the time that there is, this much (or half of it) is kept for undoing and for saying so.
SPARE = 5.0


class Ending:
    """The end of one process: whether it has begun, and what is still under way.

    Attributes:
        begun: Set when the process is told to end.
        over: Whether there is no time left: what is under way is being stopped.
    """

    def __init__(self, grace: float = 30.0) -> None:
        """Give what is under way so many seconds, once the end begins."""
        self.begun: asyncio.Event = asyncio.Event()
        self.over: bool = False
        self._grace: float = grace
        self._requests: set[asyncio.Task[Any]] = set()
        self._work: dict[asyncio.Task[Any], Callable[[], bool]] = {}

    def begin(self) -> None:
        """Begin the end; a second time does nothing."""
        if self.begun.is_set():
            return
        self.begun.set()
        spare = min(SPARE, self._grace / 2)
        loop = asyncio.get_running_loop()
        loop.call_later(self._grace - spare, self._stop_work)
        loop.call_later(self._grace - spare / 2, self._stop_requests)

    def enter(self) -> asyncio.Task[Any] | None:
        """Count the request of this task as under way, until it leaves."""
        task = asyncio.current_task()
        if task is not None:
            self._requests.add(task)
        return task

    def leave(self, task: asyncio.Task[Any] | None) -> None:
        """Count a request as done."""
        if task is not None:
            self._requests.discard(task)

    def start(self, work: Coroutine[Any, Any, None], *, may_stop: Callable[[], bool]) -> asyncio.Task[None]:
        """Begin work that outlives its request when the client leaves; the process waits for it.

        Args:
            work: The work; it is cancelled when there is no time left, and must undo itself then.
            may_stop: Whether it can still be stopped: not any more while it is being committed.

        Raises:
            ShuttingDown: There is no time left for it.
        """
        if self.over:
            work.close()
            raise ShuttingDown
        task = asyncio.create_task(work)
        self._work[task] = may_stop
        task.add_done_callback(self._work.pop)
        return task

    async def settled(self) -> None:
        """Wait until the work is done, or undone."""
        while self._work:
            await asyncio.wait(list(self._work))

    def _stop_work(self) -> None:
        self.over = True
        for task, may_stop in list(self._work.items()):
            if may_stop():
                task.cancel()

    def _stop_requests(self) -> None:
        for task in list(self._requests):
            task.cancel()
