"""The W&B wire: what the `wandb` client calls, for runs, artifacts, links and registries.

Its words are W&B's: an artifact of ours is a *sequence* here, a release a *portfolio*, a registry a project whose name
begins with `wandb-registry-`. Contracts and limits are told in `docs/guides/wandb.md`.
"""

from __future__ import annotations

from fastapi import FastAPI

from pinakes.server.wires.wandb import blobs, streams, transport
from pinakes.server.wires.wandb.errors import problem, unanswered

__all__ = ["PREFIXES", "install", "problem", "unanswered"]

# What is below these is answered in this wire's form, even where nothing answers.
PREFIXES = ("/graphql", "/files/", "/artifactsV2/", "/artifacts/")

ROUTES = (*transport.ROUTES, *streams.ROUTES, *blobs.ROUTES)


def install(app: FastAPI) -> None:
    """Add this wire's routes to the application."""
    app.router.routes.extend(ROUTES)
