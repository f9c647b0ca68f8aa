"""The SDK's session, against a transport that answers as it is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import httpx2
import pytest

import pinakes
from pinakes.sdk import errors
from pinakes.sdk._async._http import AsyncSession
from pinakes.sdk._sync._http import Session
from pinakes.sdk.calls import call
from pinakes.sdk.retrying import RetryPolicy
from pinakes.server.errors import PinakesError
from pinakes.server.wires.native.errors import describe, status_of

ID = "64f9a55bb3115b4f513ec026"
AT_ONCE = RetryPolicy(retries=3, first=0.0, strangers=2)
GONE = httpx2.ReadError("gone")
ERROR = {"code": "title_taken", "message": "Taken.", "field": "title", "details": {"slug": "a/b-1"}, "request_id": "r1"}

Answer = httpx2.Response | Exception


class Answers:
    """A transport that gives these answers in turn, and remembers what was asked."""

    def __init__(self, *answers: Answer) -> None:
        self._answers: Iterator[Answer] = iter(answers)
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


def session(*answers: Answer, retry: RetryPolicy = AT_ONCE) -> tuple[Session, Answers]:
    given = Answers(*answers)
    return Session("http://here", "secret", retry=retry, transport=httpx2.MockTransport(given)), given


def done() -> httpx2.Response:
    return httpx2.Response(200, json={})


def test_a_call_carries_the_token_and_says_who_calls():
    calls, given = session(done())
    calls.send(call("GET", "/things", params={"a": None, "b": True, "c": ["x", "y"], "d": 3}))
    request = given.requests[0]
    assert str(request.url) == "http://here/api/v1/things?b=true&c=x&c=y&d=3"
    assert request.headers["authorization"] == "Bearer secret"
    assert request.headers["user-agent"].startswith("pinakes-python/")
    assert "idempotency-key" not in request.headers


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_passes_is_tried_again(status: int):
    calls, given = session(httpx2.Response(status), done())
    assert calls.send(call("GET", "/things")).status_code == 200
    assert len(given.requests) == 2


@pytest.mark.parametrize("error", [GONE, httpx2.ReadTimeout("late"), httpx2.ConnectError("refused")])
def test_a_lost_answer_is_asked_for_again(error: Exception):
    calls, given = session(error, done())
    calls.send(call("GET", "/things"))
    assert len(given.requests) == 2


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
def test_a_change_keeps_its_idempotency_key_over_all_attempts(method: str):
    calls, given = session(GONE, httpx2.Response(503), done())
    calls.send(call(method, "/things", body={"a": 1}))
    keys = {request.headers["idempotency-key"] for request in given.requests}
    assert len(given.requests) == 3
    assert len(keys) == 1
    assert [json.loads(request.content) for request in given.requests] == [{"a": 1}] * 3


def test_two_calls_have_two_keys():
    calls, given = session(done(), done())
    calls.send(call("POST", "/things"))
    calls.send(call("POST", "/things"))
    first, second = (request.headers["idempotency-key"] for request in given.requests)
    assert first != second


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_change_whose_key_nobody_remembers_is_never_sent_twice(method: str):
    calls, given = session(GONE, done())
    with pytest.raises(pinakes.ConnectionFailed):
        calls.send(call(method, "/users", keyed=False))
    assert len(given.requests) == 1


def test_but_it_is_when_it_never_left():
    calls, given = session(httpx2.ConnectError("refused"), done())
    calls.send(call("POST", "/users", keyed=False))
    assert len(given.requests) == 2


def test_and_when_it_was_turned_away():
    calls, given = session(httpx2.Response(429), done())
    calls.send(call("POST", "/users", keyed=False))
    assert len(given.requests) == 2


def test_a_deletion_whose_answer_was_lost_is_done_when_there_is_nothing_any_more():
    calls, _ = session(GONE, httpx2.Response(404))
    calls.send(call("DELETE", "/users/a", keyed=False, gone_is_done=True))
    calls, _ = session(httpx2.Response(404))
    with pytest.raises(pinakes.NotFound):
        calls.send(call("DELETE", "/users/a", keyed=False, gone_is_done=True))


def test_it_gives_up_in_the_end_with_the_last_failure():
    calls, given = session(*[httpx2.Response(503, json={"error": {"code": "unavailable", "message": "No."}})] * 4)
    with pytest.raises(pinakes.Unavailable, match=r"No\."):
        calls.send(call("GET", "/things"))
    assert len(given.requests) == 4


def test_a_server_that_never_answered_is_not_tried_for_long():
    calls, given = session(*[httpx2.ConnectError("refused")] * 9, retry=RetryPolicy(retries=8, first=0.0, strangers=1))
    with pytest.raises(pinakes.ConnectionFailed) as caught:
        calls.send(call("GET", "/things"))
    assert caught.value.code == "unreachable"
    assert len(given.requests) == 2


def test_retry_after_is_kept_to(monkeypatch: pytest.MonkeyPatch):
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    calls, _ = session(httpx2.Response(429, headers={"retry-after": "7"}), done())
    calls.send(call("GET", "/things"))
    assert slept == [7.0]


def test_a_retry_after_beyond_our_patience_is_an_error_that_says_how_long():
    calls, given = session(httpx2.Response(429, headers={"retry-after": "3600"}), done())
    with pytest.raises(pinakes.TooManyRequests) as caught:
        calls.send(call("GET", "/things"))
    assert caught.value.retry_after == 3600
    assert len(given.requests) == 1


def test_pauses_grow_and_half_of_them_is_chance():
    policy = RetryPolicy(retries=9, first=0.2, longest=2.0)
    for attempt, most in enumerate((0.2, 0.4, 0.8, 1.6, 2.0, 2.0), 1):
        pauses = [policy.pause(attempt) or 0.0 for _ in range(50)]
        assert all(most / 2 <= pause <= most for pause in pauses)
        assert len(set(pauses)) > 1
    assert policy.pause(10) is None


@pytest.mark.parametrize(
    ("status", "family"),
    [
        (400, pinakes.Invalid),
        (401, pinakes.Unauthenticated),
        (403, pinakes.Forbidden),
        (404, pinakes.NotFound),
        (409, pinakes.Conflict),
        (412, pinakes.PreconditionFailed),
        (413, pinakes.TooLarge),
        (422, pinakes.Invalid),
        (500, pinakes.ServerFault),
        (503, pinakes.Unavailable),
        (418, pinakes.UnexpectedAnswer),
    ],
)
def test_a_refusal_becomes_the_exception_of_its_family(status: int, family: type[pinakes.PinakesError]):
    calls, _ = session(httpx2.Response(status, json={"error": ERROR}), retry=RetryPolicy(retries=0))
    with pytest.raises(family) as caught:
        calls.send(call("GET", "/things"))
    error = caught.value
    assert type(error) is family
    assert (error.code, error.message, error.field, error.status) == ("title_taken", "Taken.", "title", status)
    assert error.details == {"slug": "a/b-1"}
    assert error.request_id == "r1"


def test_a_refusal_that_came_from_before_the_wires_is_read_too():
    body = {"error": "The body is larger than 10 bytes.", "code": "too_large", "request_id": "r2"}
    calls, _ = session(httpx2.Response(413, json=body))
    with pytest.raises(pinakes.TooLarge, match="larger than 10") as caught:
        calls.send(call("GET", "/things"))
    assert (caught.value.code, caught.value.request_id) == ("too_large", "r2")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'{"error": 3}', b"\xff"])
def test_a_refusal_that_is_not_json_is_an_error_all_the_same(body: bytes):
    calls, _ = session(httpx2.Response(404, content=body))
    with pytest.raises(pinakes.NotFound, match="404"):
        calls.send(call("GET", "/things"))


def kinds(of: type[PinakesError] = PinakesError) -> Iterator[type[PinakesError]]:
    for kind in of.__subclasses__():
        yield kind
        yield from kinds(kind)


@pytest.mark.parametrize("kind", [kind for kind in kinds() if kind.__module__ == PinakesError.__module__])
def test_an_error_on_a_line_of_a_stream_has_the_class_that_it_has_as_an_answer(kind: type[PinakesError]):
    error = kind()
    assert type(errors.from_line(describe(error, "r"))) is errors.family_of(status_of(error))


def test_a_redirect_says_where_to():
    calls, _ = session(httpx2.Response(301, headers={"location": "https://there"}))
    with pytest.raises(pinakes.UnexpectedAnswer, match="https://there"):
        calls.send(call("POST", "/things"))


def test_an_atomic_batch_that_was_refused_carries_what_each_line_came_to():
    results = [
        {"outcome": "added", "entry": None, "error": None},
        {"outcome": "duplicate", "entry": "e", "error": ERROR},
    ]
    body = {"error": ERROR, "revision": 3, "applied": False, "results": results, "counts": {"added": 1, "duplicate": 1}}
    calls, _ = session(httpx2.Response(409, json=body))
    with pytest.raises(pinakes.Conflict) as caught:
        calls.send(call("POST", "/things"))
    assert caught.value.batch is not None
    assert [result.outcome for result in caught.value.batch.results] == ["added", "duplicate"]


def test_a_reason_beyond_ascii_travels_as_utf8_on_one_line():
    calls, given = session(done())
    calls.send(call("DELETE", "/things", reason="wégen\nÜbung 🧪"))
    assert dict(given.requests[0].headers.raw)[b"X-Pinakes-Reason"] == "wégen Übung 🧪".encode()


def test_the_revision_that_is_expected_travels_as_an_etag():
    calls, given = session(done())
    calls.send(call("PATCH", "/things", expected=12))
    assert given.requests[0].headers["if-match"] == '"12"'


@pytest.mark.parametrize("token", ["with space", "naïve", "line\nbreak"])
def test_a_token_that_no_header_can_carry_is_refused_before_anything_is_sent(token: str):
    with pytest.raises(pinakes.NotConnected, match="token"):
        Session("http://here", token)


async def test_the_other_half_does_the_same():
    given = Answers(GONE, httpx2.Response(503), done())
    calls = AsyncSession("http://here", retry=AT_ONCE, transport=httpx2.MockTransport(given))
    response = await calls.send(call("POST", "/things"))
    assert response.status_code == 200
    assert len({request.headers["idempotency-key"] for request in given.requests}) == 1
    await calls.close()


def test_a_body_that_breaks_off_is_asked_for_again():
    def broken() -> Iterator[bytes]:
        yield b'{"a"'
        raise GONE

    calls, given = session(httpx2.Response(200, content=broken()), done())
    assert calls.send(call("GET", "/things")).json() == {}
    assert len(given.requests) == 2


def test_a_stream_that_breaks_off_is_an_error_of_ours():
    def broken() -> Iterator[bytes]:
        yield b"line\n"
        raise GONE

    calls, _ = session(httpx2.Response(200, content=broken()))

    def read() -> list[str]:
        with calls.open(call("GET", "/things")) as response:
            return [*response.iter_lines()]

    with pytest.raises(pinakes.ConnectionFailed):
        read()


def test_a_streamed_body_is_made_anew_for_each_attempt():
    calls, given = session(httpx2.Response(503), done())
    made: list[int] = []

    def chunks() -> Iterator[bytes]:
        made.append(1)
        yield from (b"a", b"b")

    with calls.open(call("POST", "/things"), chunks) as response:
        assert response.status_code == 200
    assert len(made) == 2
    assert [request.content for request in given.requests] == [b"ab", b"ab"]


def test_names_are_one_segment_of_a_path():
    from pinakes.sdk.calls import segment

    assert segment("a/b c?") == "a%2Fb%20c%3F"


@pytest.mark.parametrize(
    "do",
    [
        lambda client: client.collections.create("a\ud800"),
        lambda client: list(client.search("\ud800")),
        lambda client: client.users.get("a\ud800"),
        lambda client: client.collections.delete(ID, reason="\ud800"),
        lambda client: client.collections.add(ID, [{"item": 1, "note": "\ud800"}]),
        lambda client: client.collections.add(ID, [1, 2], reason="\ud800"),
        lambda client: client.collections.create("a", description="x" * 3, tags=["\udfff"]),
    ],
    ids=["a body", "a query", "a path", "a header", "an entry", "many entries", "a list"],
)
def test_what_is_no_unicode_is_refused_before_it_is_sent(do: Callable[[pinakes.Client], object]):
    given = Answers()
    client = pinakes.Client("http://here", "secret", transport=httpx2.MockTransport(given), retry=AT_ONCE)
    with pytest.raises(errors.Invalid) as refused:
        do(client)
    assert refused.value.code == "invalid"
    assert given.requests == []


def test_a_number_that_json_does_not_carry_is_refused_and_a_mistake_of_a_program_stays_one():
    with pytest.raises(errors.Invalid, match="can't be written as JSON"):
        call("POST", "/things", body={"a": 2**70})
    with pytest.raises(TypeError, match="object"):
        call("POST", "/things", body={"a": object()})
