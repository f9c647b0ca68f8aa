"""The files wire: the addresses under which files come and go, for clients of every API.

An address carries what it allows; whoever has it needs no other credential. `artifacts.transfers` makes them.
"""

from __future__ import annotations

from fastapi import FastAPI

from pinakes.server.wires.files import downloads, uploads

__all__ = ["install"]


def install(app: FastAPI) -> None:
    """Add this wire's routes to the application."""
    for router in (uploads.router, downloads.router):
        app.router.routes.extend(router.routes)
