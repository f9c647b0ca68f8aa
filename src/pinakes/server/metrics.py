"""What the server counts, for Prometheus, summed over its processes.

`serve` sets `PROMETHEUS_MULTIPROC_DIR` before any process imports this; there each keeps its counts in files that
whichever process answers `/metrics` adds up. Without the variable (tests, one process) the counts stay in memory.
"""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from pinakes.server.settings import METRICS_FOLDER as FOLDER

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

REQUESTS = Counter("pinakes_requests", "Requests answered.", ["wire", "route", "method", "status"])
SECONDS = Histogram(
    "pinakes_request_seconds",
    "Time from a request's head to the end of its answer.",
    ["wire", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)
CONNECTIONS = Gauge("pinakes_database_connections", "Connections of the pools.", ["state"], multiprocess_mode="livesum")


def expose() -> bytes:
    """Return the counts of all processes in Prometheus' text form."""
    if FOLDER not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return generate_latest(registry)


def forget_the_dead() -> None:
    """Drop the gauges of processes that are gone; their counts stay."""
    for file in Path(os.environ[FOLDER]).glob("gauge_live*.db") if FOLDER in os.environ else ():
        pid = int(file.stem.rpartition("_")[2])
        if not _lives(pid):
            mark_process_dead(pid)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
