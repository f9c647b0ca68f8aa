"""The session: one connection pool, the retries, and what an answer outside 2xx becomes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TypeVar

import httpx2
from pydantic import BaseModel, ValidationError

from pinakes.sdk import errors
from pinakes.sdk.calls import Call, Param, call, query, unwritable
from pinakes.sdk.retrying import PASSING, TOO_MANY_REQUESTS, RetryPolicy

A = TypeVar("A", bound=BaseModel)

API = "/api/v1"

# The request never left: nothing can have happened.
_UNSENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)

# How long the server may be busy with a million lines before it says anything.
_PATIENT_SECONDS = 900.0

_NOT_FOUND = 404


class AsyncSession:
    """Sends calls to one server as one user."""

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        timeout: float = 60.0,
        retry: RetryPolicy | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        user_agent: str | None = None,
    ) -> None:
        """Open a session; nothing is sent yet.

        Args:
            url: The server, without `/api/v1`.
            token: Who acts; None for what is public.
            timeout: Seconds to wait for the next bytes of an answer.
            retry: How patient to be with what passes.
            transport: What carries the requests, for tests.
            user_agent: Put before the SDK's own name.
        """
        own = f"pinakes-python/{version('pinakes')}"
        headers = {"User-Agent": f"{user_agent} {own}" if user_agent else own, "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {_checked(token)}"
        self.url: str = url
        self.retry: RetryPolicy = retry or RetryPolicy()
        self._met: bool = False
        self._timeout: httpx2.Timeout = httpx2.Timeout(timeout, connect=10.0)
        self._http: httpx2.AsyncClient = httpx2.AsyncClient(
            base_url=url + API, headers=headers, timeout=self._timeout, transport=transport
        )
        self._transport: httpx2.AsyncBaseTransport | None = transport
        self._files: httpx2.AsyncClient | None = None
        self._making: threading.Lock = threading.Lock()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()
        if self._files is not None:
            await self._files.aclose()

    async def send(self, the_call: Call) -> httpx2.Response:
        """Send a call and return its whole answer.

        Raises:
            PinakesError: Whatever the server refused, or the connection did not carry, as its own class.
        """
        return await self._answered(the_call, None, whole=True)

    async def read(self, the_call: Call, answer: type[A]) -> A:
        """Send a call and return its answer as a type of the contract."""
        return self.parse(await self.send(the_call), answer)

    async def get(self, path: str, answer: type[A], **params: Param) -> A:
        """Get one thing."""
        return await self.read(call("GET", path, params=params), answer)

    def parse(self, response: httpx2.Response, answer: type[A]) -> A:
        """Read an answer as a type of the contract."""
        try:
            return answer.model_validate_json(response.content)
        except ValidationError as error:
            raise _unexpected(response, f"an answer that is no {answer.__name__}") from error

    @asynccontextmanager
    async def open(
        self, the_call: Call, chunks: Callable[[], AsyncIterator[bytes]] | None = None
    ) -> AsyncGenerator[httpx2.Response]:
        """Send a call and hand out its answer, to be read as it comes.

        Args:
            the_call: The call.
            chunks: Makes the body anew for each attempt, for bodies that are streamed.
        """
        response = await self._answered(the_call, chunks, whole=False)
        try:
            yield response
        except httpx2.RequestError as error:
            raise _lost(error, self.url) from error
        finally:
            await response.aclose()

    async def pause(self, attempt: int, failure: errors.PinakesError) -> None:
        """Wait before repetition `attempt`; raise the failure itself when it is not worth another."""
        patience = self.retry if self._met else _less_patient(self.retry)
        seconds = patience.pause(attempt, failure.retry_after)
        if seconds is None:
            raise failure
        await asyncio.sleep(seconds)

    async def _answered(
        self, the_call: Call, chunks: Callable[[], AsyncIterator[bytes]] | None, *, whole: bool
    ) -> httpx2.Response:
        attempt, perhaps_done = 0, False
        while True:
            attempt += 1
            try:
                response = await self._once(the_call, chunks, whole=whole)
            except httpx2.RequestError as error:
                failure = _lost(error, self.url)
                unsent = isinstance(error, _UNSENT)
                if not (the_call.repeatable or unsent):
                    raise failure from error
                perhaps_done = perhaps_done or not unsent
            else:
                if response.is_success or (
                    perhaps_done and the_call.gone_is_done and response.status_code == _NOT_FOUND
                ):
                    return response
                failure = await self._failure(response)
                if failure.status not in PASSING or not (the_call.repeatable or failure.status == TOO_MANY_REQUESTS):
                    raise failure
            await self.pause(attempt, failure)

    async def _once(
        self, the_call: Call, chunks: Callable[[], AsyncIterator[bytes]] | None, *, whole: bool
    ) -> httpx2.Response:
        client = self._client(the_call)
        response = await client.send(self._request(client, the_call, chunks), stream=True)
        self._met = True
        if whole:
            try:
                await response.aread()
            finally:
                await response.aclose()
        return response

    def _client(self, the_call: Call) -> httpx2.AsyncClient:
        """Return what sends a call: for a whole URL a client without the token, which is nobody's business there."""
        if "://" not in the_call.path:
            return self._http
        with self._making:
            if self._files is None:
                agent = {"User-Agent": self._http.headers["User-Agent"]}
                self._files = httpx2.AsyncClient(headers=agent, timeout=self._timeout, transport=self._transport)
            return self._files

    def _request(
        self, client: httpx2.AsyncClient, the_call: Call, chunks: Callable[[], AsyncIterator[bytes]] | None
    ) -> httpx2.Request:
        try:
            return client.build_request(
                the_call.method,
                the_call.path,
                params=query(the_call.params),
                headers=[(name.encode(), value.encode()) for name, value in the_call.headers.items()],
                content=chunks() if chunks is not None else the_call.body,
                timeout=httpx2.Timeout(self._timeout.read, connect=self._timeout.connect, read=_PATIENT_SECONDS)
                if the_call.patient
                else self._timeout,
            )
        except httpx2.InvalidURL as error:
            message = f"This can't be put into a URL: {error}."
            raise errors.Invalid(message, code="invalid") from error
        except UnicodeEncodeError as error:
            raise unwritable(error) from error

    async def _failure(self, response: httpx2.Response) -> errors.PinakesError:
        try:
            body = await response.aread()
        except httpx2.RequestError:
            body = b""
        finally:
            await response.aclose()
        if response.is_redirect:
            return _unexpected(response, f"a redirect to {response.headers.get('location', 'nowhere')}; use that URL")
        return errors.from_answer(response.status_code, response.headers, body)


def _checked(token: str) -> str:
    if not (token.isascii() and token.isprintable() and " " not in token):
        message = "The token contains characters that no token has; was it copied whole?"
        raise errors.NotConnected(message, code="invalid_credentials", field="token")
    return token


def _lost(error: httpx2.RequestError, url: str) -> errors.PinakesError:
    """Build the exception of an answer that did not come, or not whole."""
    if isinstance(error, httpx2.UnsupportedProtocol):
        return errors.NotConnected(f"{url!r} is not the URL of a server.", code="not_connected", field="url")
    why = str(error) or type(error).__name__
    if isinstance(error, httpx2.TimeoutException):
        return errors.ConnectionFailed(f"{url} did not answer in time.", code="timeout", details={"why": why})
    if isinstance(error, _UNSENT):
        return errors.ConnectionFailed(f"{url} can't be reached: {why}.", code="unreachable", details={"why": why})
    return errors.ConnectionFailed(
        f"The connection to {url} broke: {why}.", code="connection_lost", details={"why": why}
    )


def _unexpected(response: httpx2.Response, what: str) -> errors.UnexpectedAnswer:
    message = f"{response.request.url.copy_with(query=None)} gave {what}."
    return errors.UnexpectedAnswer(
        message,
        code="unexpected_answer",
        status=response.status_code,
        request_id=response.headers.get("x-request-id", ""),
    )


def _less_patient(retry: RetryPolicy) -> RetryPolicy:
    return RetryPolicy(min(retry.retries, retry.strangers), retry.first, retry.longest, retry.patience, retry.strangers)
