"""The application: opens what a server process needs and joins the wires. The one file that knows them all."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from importlib.metadata import version

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from pinakes.server import logs, metrics, migrate, rooms, signing
from pinakes.server.blobs import Blobs
from pinakes.server.db import Database
from pinakes.server.ending import Ending
from pinakes.server.errors import PinakesError
from pinakes.server.middleware import RequestMiddleware
from pinakes.server.processes import END_BEGINS, die_with
from pinakes.server.routing import RoutesByForm, ShortWay
from pinakes.server.settings import CannotStart, Settings
from pinakes.server.state import State, request_id_of, state_of
from pinakes.server.wires import files, huggingface, native, pages, supervisely, wandb

log = structlog.get_logger(__name__)

# In this order: an earlier wire's path goes before a later one's.
WIRES = (native, files, pages, wandb, supervisely, huggingface)

# Where W&B's client sends what runs log.
RUN_LINES = "/files/"

_SAMPLE_EVERY = 5.0
_PROBE_PATIENCE = 2.0


def create_app(settings: Settings) -> FastAPI:
    """Build the application; its lifespan connects to the database."""
    ending = Ending(settings.stop_grace)
    app = FastAPI(
        title="Pinakes",
        version=version("pinakes"),
        lifespan=_lifespan(settings, ending),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        # The log and the metrics are ours; asking at every request whether somebody wants others takes time.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    rooms.load()
    _install_probes(app, settings)
    for wire in WIRES:
        wire.install(app)
    routes = RoutesByForm(app.router.routes)
    app.router.routes[:] = [routes]
    app.add_middleware(ShortWay, routes=routes)
    app.add_exception_handler(HTTPException, _unanswered)
    # What clients stream to these is larger than other bodies.
    limits = {
        signing.UPLOADS: settings.max_upload_bytes,
        native.UPLOADS: settings.max_upload_bytes,
        RUN_LINES: settings.max_body_bytes,
        **dict.fromkeys(supervisely.UPLOADS, settings.max_upload_bytes),
    }
    forms = {
        native.PREFIX: native.problem,
        **dict.fromkeys(wandb.PREFIXES, wandb.problem),
        **dict.fromkeys(supervisely.PREFIXES, supervisely.problem),
    }
    app.add_middleware(RequestMiddleware, settings=settings, forms=forms, limits=limits, ending=ending)
    return app


def from_environment() -> FastAPI:
    """Build the application of one of `serve`'s processes."""
    for number in (signal.SIGTERM, signal.SIGINT):
        # Until the event loop takes them over; what a process inherits is the handler of the one that started it.
        signal.signal(number, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        die_with(parent.pid)
    settings = Settings.from_environment()
    logs.configure(settings)
    app = create_app(settings)
    # What is made up to here lives as long as the process; the collector need not look at it again.
    gc.collect()
    gc.freeze()
    return app


def _lifespan(settings: Settings, ending: Ending):  # noqa: ANN202 - FastAPI's own alias is not exported
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        if settings.database_url is None:
            message = "The application needs PINAKES_DATABASE_URL; `pinakes serve` sets it for its private PostgreSQL."
            raise CannotStart(message)
        blobs = Blobs.of(settings)
        blobs.open()
        db = Database(
            settings.database_url, size=settings.database_pool_size, statement_seconds=settings.statement_seconds
        )
        await db.open()
        app.state.pinakes = State(settings, db, blobs, await signing.signer_of(db, settings), ending)
        _begin_to_end_when_told(ending)
        metrics.forget_the_dead()
        sampler = asyncio.create_task(_sample(db))
        try:
            yield
        finally:
            ending.begin()
            await ending.settled()
            sampler.cancel()
            with suppress(asyncio.CancelledError):
                await sampler
            await db.close()

    return lifespan


def _begin_to_end_when_told(ending: Ending) -> None:
    # Elsewhere than in a process of `serve` (in a test's thread, say) the signals belong to somebody else.
    if multiprocessing.parent_process() is not None:
        asyncio.get_running_loop().add_signal_handler(END_BEGINS, ending.begin)


async def _sample(db: Database) -> None:
    """Note now and then how busy the pool is."""
    while True:
        stats = db.stats()
        metrics.CONNECTIONS.labels("open").set(stats["pool_size"])
        metrics.CONNECTIONS.labels("idle").set(stats["pool_available"])
        metrics.CONNECTIONS.labels("waited_for").set(stats.get("requests_waiting", 0))
        await asyncio.sleep(_SAMPLE_EVERY)


def _install_probes(app: FastAPI, settings: Settings) -> None:
    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> Response:
        """The process is up."""
        return JSONResponse({"status": "up"})

    @app.get("/readyz", include_in_schema=False)
    async def readyz(request: Request) -> Response:
        """The database answers and has the schema that this code was written for."""
        try:
            async with asyncio.timeout(_PROBE_PATIENCE):
                current = await migrate.is_current(state_of(request).db)
        except (PinakesError, TimeoutError) as error:
            reason = error.message if isinstance(error, PinakesError) else "The database does not answer."
            return JSONResponse({"status": "not ready", "reason": reason}, 503)
        if not current:
            return JSONResponse({"status": "not ready", "reason": "The database's schema is another version's."}, 503)
        return JSONResponse({"status": "ready"})

    @app.get("/metrics", include_in_schema=False)
    async def counts() -> Response:
        """What was counted, for Prometheus."""
        if not settings.metrics:
            raise HTTPException(404)
        return Response(await asyncio.to_thread(metrics.expose), media_type=metrics.CONTENT_TYPE)


async def _unanswered(request: Request, error: Exception) -> Response:
    """Answer for a path that no wire knows, or a method that a path does not."""
    assert isinstance(error, HTTPException)
    path: str = request.scope["path"]  # the URL's would come without its line breaks
    message = f"There is nothing at {path}." if error.status_code == HTTPStatus.NOT_FOUND else str(error.detail)
    if path.startswith(huggingface.PREFIX):  # the native wire answers for all that is below its own prefix
        return huggingface.unanswered(error.status_code, message, error.headers)
    if path.startswith(wandb.PREFIXES):
        return wandb.unanswered(request, error.status_code, message, error.headers)
    if path.startswith(supervisely.PREFIXES):
        return supervisely.unanswered(error.status_code, message, error.headers)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "error")
    body = {"error": message, "code": code, "request_id": request_id_of(request)}
    return JSONResponse(body, error.status_code, headers=error.headers)
