"""What rooms put at the server's service by being imported: background work, checks, live collections.

Processes that answer requests and those that only work both load it; the latter load nothing of HTTP with it.
"""

from __future__ import annotations

from importlib import import_module

# Modules that register background work when they are imported.
JOBS = (
    "pinakes.server.artifacts.deletions",
    "pinakes.server.artifacts.upkeep",
    "pinakes.server.catalog.media_jobs",
    "pinakes.server.collections.jobs",
    "pinakes.server.events.jobs",
    "pinakes.server.events.webhook_jobs",
    "pinakes.server.people.jobs",
)

# Modules that register kinds of checks that collections are held against; jobs change collections too.
CHECKS = ("pinakes.server.labeling.checks",)

# Modules that register how live collections are brought up to date.
LIVE = ("pinakes.server.search.live",)


def load() -> None:
    """Import them all; a second time does nothing."""
    for name in (*JOBS, *CHECKS, *LIVE):
        import_module(name)
