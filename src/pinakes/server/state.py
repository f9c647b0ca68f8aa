"""What one server process holds open, and how a request gets to it."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

from pinakes.server.blobs import Blobs
from pinakes.server.db import Database
from pinakes.server.ending import Ending
from pinakes.server.settings import Settings
from pinakes.server.signing import Signer


@dataclass(slots=True)
class State:
    """One server process's settings and connections; at `app.state.pinakes`.

    Attributes:
        settings: What the operator decided.
        db: The pool of database connections.
        blobs: The store of files.
        signer: Makes and reads the addresses under which files come and go.
        ending: What is still under way when the process is told to end. Whoever streams without an end (server-sent
            events) ends when that begins.
    """

    settings: Settings
    db: Database
    blobs: Blobs
    signer: Signer
    ending: Ending = field(default_factory=Ending)


def state_of(request: HTTPConnection) -> State:
    """Return the state of the process that answers this request."""
    state = request.app.state.pinakes
    assert isinstance(state, State)
    return state


def request_id_of(request: HTTPConnection) -> str:
    """Return the id of a request, as its answer's `X-Request-Id` and the log carry it."""
    return str(request.scope.get("request_id", ""))


def address_of(request: HTTPConnection) -> str:
    """Return where a request comes from, to count attempts by."""
    return request.client.host if request.client else "unknown"
