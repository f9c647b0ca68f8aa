"""The pages that the server renders itself: start, signing in and out, letting a device in, and a collection to read.

No page runs a script; what changes something is a form, and a form of another site is refused.
"""

from __future__ import annotations

from fastapi import FastAPI

from pinakes.server.wires.pages import collections, people
from pinakes.server.wires.pages.render import STYLE_PATH, style


def install(app: FastAPI) -> None:
    """Add the pages to the application."""
    for room in (people, collections):
        app.router.routes.extend(room.router.routes)
    app.add_api_route(STYLE_PATH, style, include_in_schema=False)
