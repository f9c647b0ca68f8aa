"""Processes beside the server's."""

from __future__ import annotations

import multiprocessing
import sys
import threading
import time

from pinakes.server.processes import Companion

TIMES = 40


def test_a_companion_starts_while_processes_part() -> None:
    """Of a process that parts while it is being started it would hear that it runs only when that one has ended."""
    parting = multiprocessing.get_context("fork")
    others = [parting.Process(target=time.sleep, args=(60,), daemon=True) for _ in range(TIMES)]
    companions = [Companion(f"c{n}", [sys.executable, "-c", "input()"], grace=5) for n in range(TIMES)]
    try:
        for companion, other in zip(companions, others, strict=True):
            companion.start()
            other.start()
        # One that waits for another process holds what `ask_to_stop` needs.
        asked = threading.Thread(target=lambda: [companion.ask_to_stop() for companion in companions], daemon=True)
        asked.start()
        asked.join(20)
        assert not asked.is_alive()
    finally:
        for other in others:
            other.kill()
            other.join()
        for companion in companions:
            companion.stop()
