"""The Supervisely wire: what the `supervisely` SDK calls, for media, collections of them, their labels and queues.

Its words are Supervisely's: an account of ours is a *team* here, a selection an *entities collection*. Contracts and
limits are told in `docs/guides/supervisely.md`.
"""

from __future__ import annotations

from fastapi import FastAPI

from pinakes.server.wires.supervisely import previews, sessions, transport
from pinakes.server.wires.supervisely.errors import problem, unanswered
from pinakes.server.wires.supervisely.transport import PREFIXES

__all__ = ["PREFIXES", "UPLOADS", "install", "problem", "unanswered"]

# The methods whose bodies are files: what is below these may be as large as any upload.
UPLOADS = tuple(
    f"{prefix}{method}"
    for prefix in PREFIXES
    for method in (
        "images.bulk.upload",
        "videos.bulk.upload",
        "point-clouds.bulk.upload",
        "figures.bulk.upload.geometry",
    )
)


def install(app: FastAPI) -> None:
    """Add this wire's routes to the application."""
    app.router.routes.extend((*transport.ROUTES, *sessions.ROUTES, *previews.ROUTES))
