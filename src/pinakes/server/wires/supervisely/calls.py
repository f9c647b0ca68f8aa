"""A call: its body, its caller, its place in the table of methods.

A method is registered under its dotted name with the form of its body and whether it reads or changes:

    METHODS = Methods()

    class Asked(Form):
        project_id: Id                    # `projectId` on the wire
        name: Text | None = None

    @METHODS.change("datasets.add", Asked)
    async def add(ctx: Context, asked: Asked) -> object: ...

`table.py` joins the tables of all modules. What a method returns is sent as JSON, unless it is a `Response`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypeVar, cast
from urllib.parse import parse_qsl

import orjson
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel
from starlette.requests import Request
from starlette.responses import Response

from pinakes.server.actor import Actor
from pinakes.server.db import Tx
from pinakes.server.errors import Conflict, Invalid
from pinakes.server.state import State, state_of
from pinakes.server.wires.supervisely.auth import actor_of
from pinakes.server.wires.supervisely.errors import is_clash
from pinakes.server.wires.supervisely.values import Id

F = TypeVar("F")
R = TypeVar("R")

# How long to wait, in seconds, before a call that clashed with another is tried again.
PAUSES = (0.02, 0.1, 0.3)

# PostgreSQL and our own encoder take less than a parser does.
_DEEPEST = 100
_FORM = "application/x-www-form-urlencoded"


class Form(BaseModel):
    """A body, or a part of one: camel case on the wire. Types are not converted; unknown fields are passed over."""

    model_config = ConfigDict(strict=True, extra="ignore", alias_generator=to_camel)


class Nothing(Form):
    """The body of a method that takes nothing."""


class ById(Form):
    """The body of a method about one thing."""

    id: Id


@dataclass(slots=True)
class Context:
    """What a method works with.

    Attributes:
        tx: A connection (methods that read) or the transaction (methods that change; any error undoes all).
        actor: Who asks.
        call: The request.
        state: The process: its settings, database, files, signer.
    """

    tx: Tx
    actor: Actor
    call: Call
    state: State

    @property
    def endpoint(self) -> str:
        """The address that the client uses for us, without a slash at its end."""
        return self.call.endpoint


class Call(Request):
    """One request."""

    async def actor(self) -> Actor:
        """Return who asks; raise Unauthenticated where nobody signed in."""
        async with state_of(self).db.reading() as tx:
            return await actor_of(tx, self)

    @property
    def endpoint(self) -> str:
        """The address that the client uses for us, without a slash at its end."""
        external = state_of(self).settings.external_url
        return external.rstrip("/") if external else f"{self.url.scheme}://{self.url.netloc}"

    async def content(self) -> tuple[Any, bool]:
        """Read the body, and say whether it is JSON (or a form, or a query: whose values are all text)."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        raw = await self.body()
        pairs = dict(self.query_params)
        if kind == _FORM:
            pairs |= dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
        elif raw.strip():
            return _parsed(raw), True
        return _checked(pairs), False

    async def asked(self, form: type[F]) -> F:
        """Read the body by a form."""
        given, is_json = await self.content()
        return decoded(TypeAdapter(form), given, is_json=is_json)


async def tried_again(run: Callable[[], Awaitable[R]]) -> R:
    """Do something again that clashed with another transaction: nothing of it was done then."""
    for pause in PAUSES:
        try:
            return await run()
        except Conflict as clash:
            if not is_clash(clash):
                raise
        await asyncio.sleep(random.uniform(0, pause))  # noqa: S311 - to part those that clashed
    return await run()


def decoded(form: TypeAdapter[F], given: object, *, is_json: bool) -> F:
    """Make a form of what came; the values of a query and of a form body are text, and are converted."""
    try:
        return form.validate_python(given, strict=None if is_json else False)
    except ValidationError as error:
        raise _invalid(error) from error


def _parsed(raw: bytes) -> Any:  # noqa: ANN401 - JSON
    try:
        found = orjson.loads(raw)
    except (orjson.JSONDecodeError, RecursionError) as error:
        message = f"The body is not valid JSON: {error}"
        raise Invalid(message, field="body") from error
    if raw.count(b"[") + raw.count(b"{") > _DEEPEST:
        _check_depth(found)
    return _checked(found) if b"\\u0000" in raw else found


def _check_depth(found: object) -> None:
    level = [found]
    for _ in range(_DEEPEST):
        level = [child for each in level for child in _children(each) if isinstance(child, dict | list)]
        if not level:
            return
    message = f"The body is nested more than {_DEEPEST} levels deep."
    raise Invalid(message, field="body")


def _checked(found: Any) -> Any:  # noqa: ANN401 - JSON
    """Refuse NUL characters, which no text of ours can hold."""
    level = [found]
    while level:
        if any(isinstance(each, str) and "\0" in each for each in level):
            message = "The body contains a NUL character."
            raise Invalid(message, field="body")
        level = [child for each in level for child in _texts(each)]
    return found


def _children(found: object) -> list[Any]:
    if isinstance(found, dict):
        return list(cast("dict[str, Any]", found).values())
    return cast("list[Any]", found) if isinstance(found, list) else []


def _texts(found: object) -> list[Any]:
    return [*found, *_children(found)] if isinstance(found, dict) else _children(found)


@dataclass(frozen=True, slots=True)
class Method:
    """One method: its name, how it is run, the form of its body, what answers it.

    `by_id`: of a raw one, whether it asks for one thing by its `id`, which may be missing; of others the body says so.
    `before`: what is brought up to date for the same body, each statement by itself, before the handler reads.
    """

    name: str
    mode: Literal["read", "change", "snapshot", "raw"]
    form: TypeAdapter[Any] | None
    handler: Callable[..., Awaitable[object]]
    by_id: bool = False
    before: Callable[..., Awaitable[object]] | None = None

    async def decode(self, call: Call) -> tuple[Any, bool]:
        """Read the body by the method's form; say whether it asks for something by its `id`."""
        given, is_json = await call.content()
        assert self.form is not None
        asked = decoded(self.form, given, is_json=is_json)
        return asked, isinstance(given, dict) and "id" in given


def _invalid(error: ValidationError) -> Invalid:
    """Say what is wrong with a body: its first mistake, with the field's name as the client spells it."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "body"
    return Invalid(f"{place}: {first['msg']}", field=place)


OfContext: TypeAlias = Callable[[Context, F], Awaitable[object]]
OfCall: TypeAlias = Callable[[Call], Awaitable[Response]]


@dataclass
class Methods:
    """A table of methods."""

    found: dict[str, Method] = field(default_factory=dict[str, Method])

    def read(self, name: str, form: type[F]) -> Callable[[OfContext[F]], OfContext[F]]:
        """Register a method that reads; each of its statements by itself."""
        return self._registering(name, "read", form)

    def snapshot(
        self, name: str, form: type[F], *, before: OfContext[F] | None = None
    ) -> Callable[[OfContext[F]], OfContext[F]]:
        """Register a method that reads several times from one unchanging view; `before` it, something is made so."""
        return self._registering(name, "snapshot", form, before)

    def change(self, name: str, form: type[F]) -> Callable[[OfContext[F]], OfContext[F]]:
        """Register a method that changes something, in one transaction; it may be run again after a clash."""
        return self._registering(name, "change", form)

    def raw(self, name: str, *, by_id: bool = False) -> Callable[[OfCall], OfCall]:
        """Register a method that reads its body and opens its transactions itself: uploads, downloads."""

        def register(handler: OfCall) -> OfCall:
            self._add(Method(name, "raw", None, handler, by_id))
            return handler

        return register

    def _registering(
        self,
        name: str,
        mode: Literal["read", "change", "snapshot"],
        form: type[F],
        before: OfContext[F] | None = None,
    ) -> Callable[[OfContext[F]], OfContext[F]]:
        def register(handler: OfContext[F]) -> OfContext[F]:
            self._add(Method(name, mode, TypeAdapter(form), handler, before=before))
            return handler

        return register

    def _add(self, method: Method) -> None:
        assert method.name not in self.found, method.name
        self.found[method.name] = method

    def __iter__(self) -> Iterator[Method]:
        """Go through the methods."""
        return iter(self.found.values())


def respond(content: object, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(orjson.dumps(content), status, media_type="application/json")
