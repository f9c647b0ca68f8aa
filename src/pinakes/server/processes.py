"""Processes that belong together: none outlives the one that started it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

import structlog

log = structlog.get_logger(__name__)

# By this signal `serve` tells its processes that the end begins (`ending`), right before it tells them to end.
END_BEGINS = signal.SIGUSR1

# `Popen` waits until the new program runs, which it hears from the end of a pipe. A process that parts from this one
# in between keeps that pipe open, for as long as it lives: so none does.
_starting = threading.Lock()
os.register_at_fork(before=_starting.acquire, after_in_parent=_starting.release, after_in_child=_starting.release)

_PR_SET_PDEATHSIG = 1
_LONGEST_PAUSE = 30.0


def die_with(parent: int) -> None:
    """Have this process killed when its parent ends, however that ends: a restart must find the port free."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before we asked
            os.kill(os.getpid(), signal.SIGKILL)
        return
    threading.Thread(target=_poll, args=(parent,), daemon=True).start()


def _poll(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGKILL)


class Companion:
    """A process that runs beside the server and is started again whenever it ends."""

    def __init__(self, name: str, command: Sequence[str], *, grace: float) -> None:
        """Keep what to run; `grace` is how long it may take to stop."""
        self.name: str = name
        self._command: list[str] = list(command)
        self._grace: float = grace
        self._stopping: threading.Event = threading.Event()
        self._lock: threading.Lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread = threading.Thread(target=self._watch, name=name, daemon=True)

    def start(self) -> None:
        """Start it."""
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Tell it to stop, without waiting."""
        with self._lock:
            self._stopping.set()
            if self._process is not None and self._process.poll() is None:
                self._process.terminate()

    def kill(self) -> None:
        """End it at once."""
        # Without the lock: a signal's handler calls this, and may have interrupted the very thread that holds it.
        self._stopping.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()

    def stop(self) -> None:
        """Stop it, and wait until it has."""
        self.ask_to_stop()
        self._thread.join(self._grace)
        if self._thread.is_alive() and self._process is not None:
            self._process.kill()
            self._thread.join()

    def _watch(self) -> None:
        pause = 1.0
        while True:
            with self._lock:
                if self._stopping.is_set():
                    return
                # It follows this thread's end (`die_with` counts threads, not processes), so the thread stays.
                # In a session of its own: Ctrl-C in a terminal is for the server, which tells it.
                with _starting:
                    self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, start_new_session=True)
            began = time.monotonic()
            status = self._process.wait()
            if self._stopping.is_set():
                return
            log.error("companion_ended", name=self.name, status=status, again_in=pause)
            self._stopping.wait(pause)
            pause = 1.0 if time.monotonic() - began > _LONGEST_PAUSE else min(pause * 2, _LONGEST_PAUSE)
