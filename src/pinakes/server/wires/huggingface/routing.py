"""A call of the Hub's API: its route, its caller, its body, its parameters, and the link to the next page.

Handlers take a `Call` and return a `Response`. FastAPI's own decoding is left out: the Hub's API has rules of its own
for wrong input, and the hot routes are read as they come and written as bytes.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import orjson
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import override

from pinakes.server.actor import Actor
from pinakes.server.db import Tx
from pinakes.server.errors import Conflict, Invalid, NotFound, PinakesError
from pinakes.server.state import state_of
from pinakes.server.wires.huggingface import errors
from pinakes.server.wires.huggingface.auth import actor_of

F = TypeVar("F", bound=BaseModel)
W = TypeVar("W", bound=str)

LONGEST_PAGE = 100
# How long to wait, in seconds, before a call that clashed with another is tried again.
PAUSES = (0.02, 0.1, 0.3)
_LARGEST = 2**31 - 1


class Form(BaseModel):
    """A body. Types are not converted (`false` is no 0); unknown fields are passed over, as newer clients send more."""

    model_config = ConfigDict(strict=True, extra="ignore")


class Call(Request):
    """One request, with what its handler needs."""

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[tuple[Tx, Actor]]:
        """Open a connection for reads, and say who asks."""
        async with state_of(self).db.reading() as tx:
            yield tx, await actor_of(tx, self)

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[tuple[Tx, Actor]]:
        """Open a transaction, and say who asks."""
        async with state_of(self).db.transaction() as tx:
            yield tx, await actor_of(tx, self)

    async def decode(self, model: type[F]) -> F:
        """Read the body as JSON of a form; raise `Invalid` with the field that is wrong."""
        try:
            return model.model_validate_json(await self.body())
        except ValidationError as error:
            raise _invalid(error) from error

    @property
    def endpoint(self) -> str:
        """The address that the client uses for us, without a slash at its end."""
        external = state_of(self).settings.external_url
        return external.rstrip("/") if external else f"{self.url.scheme}://{self.url.netloc}"

    @property
    def prefix(self) -> str:
        """The path of that address, without its host: what the location of a redirect begins with."""
        return urlsplit(self.endpoint).path

    def word(self, name: str) -> str | None:
        """Return a query parameter, or None."""
        return self.query_params.get(name)

    def words(self, name: str) -> list[str] | None:
        """Return every value of a repeated query parameter (`name=` or `name[]=`), or None when there is none."""
        found = self.query_params.getlist(name) + self.query_params.getlist(f"{name}[]")
        return found or None

    def flag(self, name: str) -> bool | None:
        """Return a boolean query parameter, or None."""
        raw = self.word(name)
        values = {"true": True, "1": True, "false": False, "0": False}
        if raw is None:
            return None
        if raw.lower() not in values:
            message = f"{name} must be true or false."
            raise Invalid(message, field=name)
        return values[raw.lower()]

    def choice(self, name: str, choices: tuple[W, ...], default: W) -> W:
        """Return a query parameter that must be one of a few words."""
        raw = self.word(name)
        if raw is None:
            return default
        for known in choices:
            if raw == known:
                return known
        message = f"{name} must be one of {', '.join(choices)}."
        raise Invalid(message, field=name)

    def number(self, name: str, default: int, *, least: int = 0) -> int:
        """Return a whole number from the query."""
        raw = self.word(name)
        if raw is None:
            return default
        if not (raw.isascii() and raw.isdigit() and len(raw) < 11 and least <= int(raw) <= _LARGEST):  # noqa: PLR2004
            message = f"{name} must be a whole number from {least} to {_LARGEST}."
            raise Invalid(message, field=name)
        return int(raw)

    @property
    def limit(self) -> int:
        """How many rows a page shall have: what is asked for, up to the longest page, which is the default too."""
        return min(self.number("limit", LONGEST_PAGE, least=1), LONGEST_PAGE)

    @property
    def cursor(self) -> str | None:
        """Where the page begins, as our own `Link` said."""
        return self.word("cursor")

    def page(self, rows: list[Any], following: str | None) -> Response:
        """Answer one page of a list, with the absolute link to the next: the client sends no parameters along."""
        response = respond(rows)
        if following is not None:
            kept = [(k, v) for k, v in self.query_params.multi_items() if k != "cursor"]
            query = urlencode([*kept, ("cursor", following)])
            path: str = self.scope["path"]
            response.headers["Link"] = f'<{self.endpoint}{quote(path)}?{query}>; rel="next"'
        return response


class HubRoute(APIRoute):
    """A route of this wire: its handler gets a `Call`, its errors become the Hub's.

    A handler that clashed with another transaction (nothing of it was done then) is run again: the client itself tries
    only lists again, and would tell its user of an error.
    """

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint = self.endpoint

        async def handle(request: Request) -> Response:
            call = Call(request.scope, request.receive)
            try:
                _check_text(request)
                for pause in PAUSES:
                    try:
                        return await endpoint(call)
                    except Conflict as clash:
                        if type(clash) is not Conflict:
                            raise
                    await asyncio.sleep(random.uniform(0, pause))  # noqa: S311 - to part those that clashed
                return await endpoint(call)
            except PinakesError as error:
                return self.refuse(error)

        return handle

    def refuse(self, error: PinakesError) -> Response:
        """Turn an error into an answer."""
        return errors.answer(error)


class RepoRoute(HubRoute):
    """A route about one repository: the client wants to be told, beyond the status, that the repository is missing."""

    @override
    def refuse(self, error: PinakesError) -> Response:
        return errors.answer(error, errors.REPO_CODES)


class RepoKind(Convertor[str]):
    """`models`, `datasets` or `spaces` in a path, as the kind of repo."""

    regex = "models|datasets|spaces"

    @override
    def convert(self, value: str) -> str:
        return value.removesuffix("s")

    @override
    def to_string(self, value: str) -> str:
        return f"{value}s"


register_url_convertor("hub_repos", RepoKind())


def respond(content: object, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(orjson.dumps(content), status, media_type="application/json")


def _check_text(request: Request) -> None:
    """Refuse NUL bytes where names and filters come from: no text of ours can hold one."""
    if "\0" in request.scope["path"]:
        raise NotFound
    if b"%00" in request.scope["query_string"]:
        message = "A parameter contains a NUL character."
        raise Invalid(message, field="query")


def _invalid(error: ValidationError) -> Invalid:
    """Say what is wrong with a body: its first mistake, with the field's name as the client spells it."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        message = f"The body is not valid JSON: {first['msg'].removeprefix('Invalid JSON: ')}"
        return Invalid(message, field="body")
    field = ".".join(str(part) for part in first["loc"]) or "body"
    return Invalid(f"{field}: {first['msg']}", field=field)
