"""`POST /graphql`: one operation of one document, and its answer.

A query runs on a connection of its own, each read by itself; a mutation in one transaction, which any error undoes.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from inspect import isawaitable
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError, GraphQLObjectType, GraphQLResolveInfo, execute
from graphql.execution.incremental.incremental_executor import IncrementalExecutor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from typing_extensions import override

from pinakes.server.db import Tx
from pinakes.server.errors import Invalid, PinakesError
from pinakes.server.state import state_of
from pinakes.server.wires.wandb import errors
from pinakes.server.wires.wandb.auth import actor_of
from pinakes.server.wires.wandb.context import Borrowing, Budget, Context, TakingTurns, endpoint_of
from pinakes.server.wires.wandb.documents import Operation, Refused, operation
from pinakes.server.wires.wandb.schema import SCHEMA

PATH = "/graphql"

# How long to wait, in seconds, before a mutation that clashed with another is tried again.
PAUSES = (0.02, 0.1, 0.3)
# These move files, and make transactions of their own around that: no connection is held meanwhile.
UNBOUND = frozenset({"commitArtifact", "completeMultipartUploadArtifact"})
# The client tries a 409 again when it begins a run: what is in the way there must have another status.
NEVER_CONFLICTS = frozenset({"upsertBucket"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks: a document, the operation in it, and its variables."""

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None


class Counting(IncrementalExecutor):
    """Makes answers, and counts the objects in them."""

    @override
    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_details_list: Any,
        info: GraphQLResolveInfo[Context],
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        info.context.budget.spend(1)
        return super().complete_object_value(return_type, field_details_list, info, path, result, position_context)


class Failed(Exception):
    """An operation did not succeed; whatever it has done is undone."""

    def __init__(self, problem: GraphQLError) -> None:
        """Keep the first thing that went wrong."""
        super().__init__(problem.message)
        self.problem: GraphQLError = problem


async def graphql(request: Request) -> Response:
    """Answer one request."""
    try:
        asked = decode(await request.body())
        wanted = operation(asked.query, asked.operation_name)
        if wanted.constant:
            return Response(_constant(wanted), media_type="application/json")
        variables = wanted.variables(asked.variables)
        data = await (_change if wanted.changes else _read)(request, wanted, variables)
    except Refused as error:
        found = [errors.described(each.message, each.path) for each in error.problems]
        return errors.respond(400, found)
    except PinakesError as error:
        return errors.answer(error)
    except Failed as error:
        return _failure(error.problem, wanted.fields)  # pyright: ignore[reportPossiblyUnboundVariable]
    return Response(orjson.dumps({"data": data}), media_type="application/json")


def decode(body: bytes) -> Asked:
    """Read a request's body.

    Raises:
        Invalid: it is not what a request is made of.
    """
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        message = f"The body is not valid JSON: {error}."
        raise Invalid(message, field="body") from error
    if not isinstance(content, dict):
        message = "Send a JSON object with `query` and `variables`."
        raise Invalid(message, field="body")
    query, variables, name = (content.get(key) for key in ("query", "variables", "operationName"))
    if not isinstance(query, str) or not query.strip():
        message = "query must be a GraphQL document."
        raise Invalid(message, field="query")
    if not isinstance(variables, dict | None):
        message = "variables must be a JSON object."
        raise Invalid(message, field="variables")
    if not isinstance(name, str | None):
        message = "operationName must be a string."
        raise Invalid(message, field="operationName")
    if b"\\u0000" in body:
        try:
            _check_text(variables)
        except RecursionError as error:
            message = "variables are nested too deeply."
            raise Invalid(message, field="variables") from error
    return Asked(query, variables or {}, name or None)


def _check_text(value: object, place: str = "variables") -> None:
    """Refuse NUL characters: no text that we keep can hold one."""
    if isinstance(value, str):
        if "\0" in value:
            message = f"{place} contains a NUL character."
            raise Invalid(message, field=place)
    elif isinstance(value, dict):
        for key, each in value.items():
            _check_text(key, place)
            _check_text(each, key)
    elif isinstance(value, list):
        for each in value:
            _check_text(each, place)


@lru_cache(maxsize=64)
def _constant(wanted: Operation) -> bytes:
    """Return the answer to what is asked of the server alone, whoever asks: every client does, again and again."""
    result = execute(SCHEMA, wanted.document, operation_name=wanted.name)
    assert isinstance(result, ExecutionResult)
    assert not result.errors
    return orjson.dumps({"data": result.data})


async def _read(request: Request, wanted: Operation, variables: Mapping[str, Any]) -> dict[str, Any] | None:
    budget = Budget()
    async with state_of(request).db.reading() as tx:
        return await _execute(TakingTurns(tx.connection, budget), request, wanted, variables, budget)


async def _change(request: Request, wanted: Operation, variables: Mapping[str, Any]) -> dict[str, Any] | None:
    """Run a mutation; one that clashed with another transaction (nothing of it was done then) once more."""
    for pause in PAUSES:
        try:
            return await _change_once(request, wanted, variables)
        except PinakesError as clash:  # as the commit found it
            if not errors.is_clash(clash):
                raise
        except Failed as failure:
            if not (failure.problem.original_error and errors.is_clash(failure.problem.original_error)):
                raise
        await asyncio.sleep(random.uniform(0, pause))  # noqa: S311 - to part those that clashed
    return await _change_once(request, wanted, variables)


async def _change_once(request: Request, wanted: Operation, variables: Mapping[str, Any]) -> dict[str, Any] | None:
    db = state_of(request).db
    if wanted.fields & UNBOUND:
        if len(wanted.fields) > 1:
            message = f"Send {' and '.join(sorted(wanted.fields & UNBOUND))} in an operation without other mutations."
            raise Invalid(message, field="query")
        return await _execute(Borrowing(db), request, wanted, variables)
    async with db.transaction() as tx:
        return await _execute(TakingTurns(tx.connection), request, wanted, variables)


async def _execute(
    tx: Tx, request: Request, wanted: Operation, variables: Mapping[str, Any], budget: Budget | None = None
) -> dict[str, Any] | None:
    """Run an operation on a connection.

    Raises:
        Failed: something in it failed; nothing of the answer is worth having then, for the client throws it away.
    """
    state = state_of(request)
    actor, endpoint = await actor_of(tx, request), endpoint_of(request, state)
    context = Context(tx, actor, state, request, endpoint, budget=budget or Budget())
    try:
        result = execute(
            SCHEMA,
            wanted.document,
            context_value=context,
            variable_values=dict(variables),
            operation_name=wanted.name,
            executor_class=Counting,
        )
        if isawaitable(result):
            result = await result
    finally:
        await context.settle()
    assert isinstance(result, ExecutionResult)
    if result.errors:
        raise Failed(_worst(result.errors))
    return result.data


def _worst(found: Sequence[GraphQLError]) -> GraphQLError:
    """Choose the error to tell of: an accident of ours before what the caller did wrong, for it must be seen."""
    for problem in found:
        if problem.original_error is not None and not isinstance(problem.original_error, PinakesError | GraphQLError):
            return problem
    return found[0]


def _failure(problem: GraphQLError, fields: frozenset[str]) -> Response:
    """Answer for an operation that failed."""
    cause = problem.original_error
    if cause is None or isinstance(cause, GraphQLError):  # a variable that does not fit its type
        return errors.respond(400, [errors.described(problem.message, problem.path)])
    if not isinstance(cause, PinakesError):
        raise cause
    status = errors.status_of(cause)
    if status == 409 and fields & NEVER_CONFLICTS:  # noqa: PLR2004 - Conflict
        status = 422
    return errors.answer(cause, problem.path, status=status)


ROUTES = (Route(PATH, graphql, methods=["POST"]),)
