"""The routes: one for all methods, by name. Finds the method, the caller, the body; sends the answer or the error."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from pinakes.server.actor import Actor
from pinakes.server.db import Database, Tx
from pinakes.server.errors import PinakesError
from pinakes.server.state import request_id_of, state_of
from pinakes.server.wires.supervisely import errors
from pinakes.server.wires.supervisely.calls import Call, Context, Method, respond, tried_again
from pinakes.server.wires.supervisely.table import TABLE

log = structlog.get_logger("pinakes.requests")

# What the client puts before a method's name; the second where it is told the address of the API itself.
PREFIXES = ("/public/api/v3/", "/v3/")
VERBS = ["POST", "GET", "PUT", "DELETE"]

_GONE = 499


async def call(request: Request) -> Response:
    """Answer one call."""
    name: str = request.path_params["method"]
    method = TABLE.get(name)
    if method is None:
        return errors.unanswered(404, f"This server has no method {name[:100]!r}.")
    try:
        return await _answer(method, Call(request.scope, request.receive))
    except PinakesError as error:
        return errors.answer(error, by_id=method.by_id)
    except ClientDisconnect:
        return Response(status_code=_GONE)  # nobody is there to read it
    except Exception:
        log.exception("request_failed", method=request.method, path=request.scope["path"])
        return errors.accident(request_id_of(request))


async def _answer(method: Method, given: Call) -> Response:
    if method.mode == "raw":
        found = await method.handler(given)
        assert isinstance(found, Response)
        return found
    actor = await given.actor()  # before the body: that is read for people of this server only
    asked, by_id = await method.decode(given)
    try:
        return await tried_again(lambda: _run(method, given, actor, asked))
    except PinakesError as error:
        return errors.answer(error, by_id=by_id)


async def _run(method: Method, given: Call, actor: Actor, asked: object) -> Response:
    state = state_of(given)
    if method.before is not None:
        async with state.db.reading() as tx:
            await method.before(Context(tx, actor, given, state), asked)
    async with _opened(method, state.db) as tx:
        found = await method.handler(Context(tx, actor, given, state), asked)
    return found if isinstance(found, Response) else respond(found)


def _opened(method: Method, db: Database) -> AbstractAsyncContextManager[Tx]:
    if method.mode == "change":
        return db.transaction()
    return db.snapshot() if method.mode == "snapshot" else db.reading()


ROUTES = tuple(Route(f"{prefix}{{method}}", call, methods=VERBS) for prefix in PREFIXES)
