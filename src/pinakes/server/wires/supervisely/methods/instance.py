"""What the server is."""

from __future__ import annotations

from starlette.responses import Response

from pinakes.server.wires.supervisely.calls import Call, Methods, respond

METHODS = Methods()

# The client warns of instances older than the one that it was made for, and asks this once after its first error.
VERSION = "6.99.0"


@METHODS.raw("instance.version")
async def version(_call: Call) -> Response:
    """Say which release of the API is spoken; to anybody, since it is asked in the middle of errors."""
    return respond({"version": VERSION})
