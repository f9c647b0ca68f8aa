"""The command line: what it prints, how it ends, what it says to type next."""

from __future__ import annotations

import inspect
import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cyclopts import App

import pinakes
from pinakes.cli import errors, main
from pinakes.cli.output import Column, Output
from pinakes.sdk import config, errors as sdk_errors
from pinakes.sdk.retrying import RetryPolicy
from pinakes.server.errors import PinakesError as ServerError

ID = "64f9a55bb3115b4f513ec026"
AT = "2026-11-21T12:00:00Z"
COLLECTION = {
    "id": ID,
    "item_id": 1,
    "kind": "showcase",
    "slug": f"ada/words-{ID}",
    "url": f"http://here/collections/ada/words-{ID}",
    "owner": "ada",
    "owner_kind": "user",
    "title": "Words\tand\x1b[31m more",
    "description": "",
    "theme": "orange",
    "tags": ["a", "b"],
    "visibility": "public",
    "revision": 3,
    "entry_count": 2,
    "position": None,
    "votes": 0,
    "voted": False,
    "created_at": AT,
    "updated_at": AT,
}
ENTRY = {
    "id": "000000010000000200000007",
    "note": "Read this",
    "item": {
        "id": 7,
        "kind": "model",
        "address": "ada/bert",
        "owner": "ada",
        "name": "bert",
        "title": "",
        "visibility": "public",
        "updated_at": AT,
    },
    "added_at": AT,
    "added_by": "ada",
    "added_revision": 2,
    "since_revision": 2,
}

Run = Callable[..., tuple[int, str, str]]
Answer = Callable[[httpx2.Request], httpx2.Response]


@pytest.fixture(autouse=True)
def nobody_logged_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("TZ", "UTC")
    for name in (config.URL_VARIABLE, config.TOKEN_VARIABLE, "PINAKES_OUTPUT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Runs a command in this process; gives its status, what it printed, and what it said."""

    def call(*arguments: str) -> tuple[int, str, str]:
        status = main.run([*arguments])
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return status, out.decode(), err.decode()

    return call


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], list[httpx2.Request]]:
    """Lets a function answer for the server; gives the list of what is asked."""

    def let(function: Answer) -> list[httpx2.Request]:
        asked: list[httpx2.Request] = []

        def handle(request: httpx2.Request) -> httpx2.Response:
            asked.append(request)
            return function(request)

        def connect(url: str | None = None, token: str | None = None, **_: object) -> pinakes.Client:
            transport = httpx2.MockTransport(handle)
            return pinakes.Client(url or "http://here", token, transport=transport, retry=RetryPolicy(retries=0))

        monkeypatch.setattr("pinakes.sdk._sync.client.connect", connect)
        return asked

    return let


def always(body: object, status: int = 200) -> Answer:
    return lambda _: httpx2.Response(status, json=body)


def refusal(code: str, message: str = "No.", **more: object) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "request_id": "r1", **more}}


# --- Starting


def test_starting_imports_no_more_than_it_needs():
    heavy = ["pydantic", "httpx2", "rich.markdown", "pandas", "asyncio", "pinakes.server", "pinakes.sdk"]
    code = (
        "import sys; from pinakes.cli.main import run; run(['--help']); "
        f"print([module for module in {heavy} if module in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[]"


def test_a_command_of_the_client_imports_nothing_of_the_server():
    code = (
        "import sys; from pinakes.cli.main import run; run(['collections', 'ls', '--url', 'http://127.0.0.1:1']); "
        "print([m for m in sys.modules if m.startswith(('pinakes.server', 'pandas', 'fastapi'))])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[]"


# --- Every command


def commands(app: App, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], App]]:
    for name in app:
        if name.startswith("-"):
            continue
        command = app[name]
        yield (*path, name), command
        yield from commands(command, (*path, name))


ALL = dict(commands(main.build()))
OF_A_SERVER = {"serve", "migrate", "check-config", "work", "backup", "restore", "verify"}


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_has_a_help_that_says_what_it_does(path: tuple[str, ...], run: Run):
    status, out, _ = run(*path, "--help")
    assert status == 0
    assert out.startswith(f"Usage: pinakes {' '.join(path)}")
    about = out.splitlines()[2]
    assert about[0].isupper()
    assert len(about) > 8


@pytest.mark.parametrize("path", [p for p, app in ALL.items() if app.default_command], ids=" ".join)
def test_every_command_takes_json_and_quiet_and_explains_its_parameters(path: tuple[str, ...], run: Run):
    _, out, _ = run(*path, "--help")
    assert "--json" in out
    assert "--quiet" in out
    assert ("--url" in out) is (path[0] not in OF_A_SERVER)
    command = ALL[path].default_command
    assert command is not None
    explained = inspect.getdoc(command) or ""
    for name in inspect.signature(command).parameters:
        assert name == "common" or f"    {name}: " in explained, name


def test_the_main_help_lists_what_there_is(run: Run):
    status, out, _ = run("--help")
    assert status == 0
    for name, _, _, about in main.COMMANDS:
        assert f" {name} " in out
        assert about.split()[0] in out


# --- How it ends


def test_what_is_not_understood(run: Run):
    for arguments in (["frobnicate"], ["collections", "ls", "--frob"], ["collections", "show"], ["items", "add"]):
        status, out, err = run(*arguments)
        assert (status, out) == (errors.MISUSED, "")
        assert err.startswith("pinakes: ")
        assert "--help" in err


def test_nobody_said_which_server(run: Run):
    status, out, err = run("collections", "ls")
    assert (status, out) == (errors.NOT_ALLOWED, "")
    assert "pinakes login" in err


def test_a_server_that_is_not_there(run: Run):
    status, _, err = run("whoami", "--url", "http://127.0.0.1:1")
    assert status == errors.UNREACHABLE
    assert "can't be reached" in err
    assert "Is the server running" in err


@pytest.mark.parametrize(
    ("http", "code", "status", "says"),
    [
        (401, "invalid_credentials", errors.NOT_ALLOWED, "pinakes login"),
        (403, "scope_too_narrow", errors.NOT_ALLOWED, "--scope"),
        (404, "collection_not_found", errors.NOT_FOUND, "pinakes collections ls"),
        (409, "title_taken", errors.IN_CONFLICT, "--exists-ok"),
        (412, "precondition_failed", errors.IN_CONFLICT, "collections show"),
        (413, "too_large", errors.FAILED, "pinakes import"),
        (422, "invalid", errors.MISUSED, ""),
        (429, "too_many_requests", errors.UNREACHABLE, "Wait"),
        (500, "internal", errors.FAILED, "request r1"),
        (503, "unavailable", errors.UNREACHABLE, "nothing was changed"),
    ],
)
def test_a_refusal_says_what_to_type_next(
    run: Run, answer: Callable[[Answer], object], http: int, code: str, status: int, says: str
):
    answer(always(refusal(code), http))
    found, out, err = run("collections", "show", ID)
    assert (found, out) == (status, "")
    assert err.startswith("pinakes: No.")
    assert says in err


@pytest.mark.parametrize(
    ("details", "says"),
    [
        ({"permission": "server:manage"}, "Ask who runs this server"),
        ({"permission": "collection:update"}, "Ask an admin of the owner for a role: `pinakes admin organizations add"),
        ({}, ""),
    ],
    ids=["of the server", "of a role", "nobody's to give"],
)
def test_the_hint_of_what_is_forbidden_fits(
    run: Run, answer: Callable[[Answer], object], details: dict[str, str], says: str
):
    answer(always(refusal("forbidden", details=details), 403))
    _, _, err = run("collections", "show", ID)
    assert err.startswith(f"pinakes: No.\n  {says}" if says else "pinakes: No.\n")
    assert ("organizations add" in err) is ("organizations add" in says)


def test_a_refusal_as_json(run: Run, answer: Callable[[Answer], object]):
    answer(always(refusal("title_taken", details={"slug": "a/b"}), 409))
    status, out, err = run("collections", "create", "Words", "--json")
    assert (status, out) == (errors.IN_CONFLICT, "")
    error = json.loads(err)["error"]
    assert (error["code"], error["details"], error["request_id"]) == ("title_taken", {"slug": "a/b"}, "r1")
    assert "--exists-ok" in error["hint"]


def test_every_hint_belongs_to_a_code_that_there_is():
    def codes(kind: type[ServerError]) -> Iterator[str]:
        yield kind.code
        for below in kind.__subclasses__():
            yield from codes(below)

    ours = {"not_connected", "login_unreadable", "unreachable", "timeout", "connection_lost"}
    ours |= {"unexpected_answer", "wrong_content"}
    assert set(errors.HINTS) <= {*codes(ServerError), *ours, "missing_part"}


def test_every_family_with_a_status_of_its_own_is_one():
    assert all(issubclass(getattr(sdk_errors, name), pinakes.PinakesError) for name in errors.STATUSES)


def test_a_reader_who_has_enough_is_no_error():
    code = (
        "import sys; from cyclopts import App; from pinakes.cli import main; app = App(); "
        "app.default(lambda: [sys.stdout.write('line\\n') for _ in range(100_000)]); "
        "main.build = lambda: app; main.main([])"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


# --- What it prints


def test_a_list_in_a_pipe_has_tabs_and_no_control_characters(run: Run, answer: Callable[[Answer], object]):
    asked = answer(always({"rows": [COLLECTION], "next": None}))
    status, out, err = run("collections", "ls", "--owner", "ada", "--tag", "x", "--limit", "7")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "slug\ttitle\tentries\tvotes\tvisibility\tchanged",
        f"ada/words-{ID}\tWords and[31m more\t2\t0\tpublic\t2026-11-21 12:00:00+00:00",
    ]
    assert isinstance(asked, list)
    assert dict(asked[0].url.params) == {"owner": "ada", "tag": "x", "limit": "7"}


def test_a_list_as_json_and_as_ids(run: Run, answer: Callable[[Answer], object], monkeypatch: pytest.MonkeyPatch):
    answer(always({"rows": [COLLECTION, COLLECTION], "next": None}))
    for arguments in (["--json", "collections", "ls"], ["collections", "ls", "--json"]):
        status, out, err = run(*arguments)
        assert (status, err) == (0, "")
        assert [row["slug"] for row in json.loads(out)] == [COLLECTION["slug"]] * 2
    monkeypatch.setenv("PINAKES_OUTPUT", "quiet")
    assert run("collections", "ls")[1] == f"ada/words-{ID}\n" * 2
    assert run("collections", "ls", "-q")[1] == f"ada/words-{ID}\n" * 2
    answer(always({"rows": [], "next": None}))
    assert json.loads(run("collections", "ls", "--json")[1]) == []


def test_one_thing_in_a_pipe(run: Run, answer: Callable[[Answer], object]):
    answer(always(COLLECTION))
    status, out, _ = run("collections", "show", ID)
    assert status == 0
    assert out.splitlines()[:4] == [
        f"slug\tada/words-{ID}",
        "title\tWords and[31m more",
        "owner\tada",
        "visibility\tpublic",
    ]
    assert "description" not in out
    assert run("collections", "show", ID, "-q")[1] == f"ada/words-{ID}\n"
    assert json.loads(run("collections", "show", ID, "--json")[1])["revision"] == 3


def test_a_change_prints_its_slug_and_says_what_happened(run: Run, answer: Callable[[Answer], object]):
    asked = answer(always(COLLECTION))
    status, out, err = run("collections", "create", "Words", "--private", "--tag", "a", "--tag", "b", "--reason", "so")
    assert (status, out) == (0, f"ada/words-{ID}\n")
    assert err == f"Created. http://here/collections/ada/words-{ID} (revision 3)\n"
    assert isinstance(asked, list)
    assert json.loads(asked[0].content) == {
        "title": "Words",
        "visibility": "private",
        "tags": ["a", "b"],
        "reason": "so",
    }
    assert run("collections", "create", "Words", "--quiet")[2] == ""


GONE: dict[str, object] = {
    f"collections rm {ID}": {"removed": ID},
    f"collections purge {ID} --yes": {"purged": ID},
    f"collections unname {ID} golden": {"unnamed": "golden", "collection": ID},
    f"live end {ID}": {"ended": ID},
    f"checks rm {ID} 3": {"removed": 3, "collection": ID},
    "webhooks rm 7 --yes": {"removed": 7},
    "registries rm acme/models --yes": {"removed": "acme/models"},
    "registries members remove acme/models ada": {"removed": "ada", "registry": "acme/models"},
    "registries unprotect acme/models prod": {"unprotected": "prod", "registry": "acme/models"},
    "projects rm ada/p --yes": {"removed": "ada/p"},
    "workspaces rm 5 --yes": {"removed": 5},
    "datasets rm 5 --yes": {"removed": "5"},
    "labels classes rm 5 --yes": {"removed": 5},
    "labels tags rm 5 --yes": {"removed": 5},
    "queues rm 5 --yes": {"removed": 5},
    "admin users rm ada --yes": {"removed": "ada"},
    "admin tokens rm 5 --user ada": {"removed": 5},
    "admin organizations rm acme --yes": {"removed": "acme"},
    "admin organizations remove acme ada": {"removed": "ada", "organization": "acme"},
    "admin teams rm blue --yes": {"removed": "blue"},
    "admin teams remove blue ada": {"removed": "ada", "team": "blue"},
    "logout": {"logged_out": False},
}


@pytest.mark.parametrize("line", GONE)
def test_a_change_without_an_answer_prints_one_value_as_json(line: str, run: Run, answer: Callable[[Answer], object]):
    """Nobody who reads the output as JSON meets an empty one; people read a sentence, `--quiet` says nothing."""
    answer(lambda request: httpx2.Response(204 if request.method != "GET" else 200, json=None))
    status, out, err = run(*line.split(), "--json")
    assert (status, err) == (0, "")
    assert json.loads(out) == GONE[line]
    status, out, err = run(*line.split())
    assert (status, out) == (0, "")
    assert err.endswith((".\n", f"{ID}\n"))
    assert run(*line.split(), "--quiet") == (0, "", "")


def test_a_command_that_only_speaks_prints_what_it_says_as_json(run: Run, monkeypatch: pytest.MonkeyPatch):
    app = App()
    app.default(lambda: Output("json").hint("It is gone."))
    monkeypatch.setattr(main, "build", lambda: app)
    assert run() == (0, '{"message":"It is gone."}\n', "")


def test_what_a_command_that_failed_said_is_not_the_next_ones(run: Run, monkeypatch: pytest.MonkeyPatch):
    def fail() -> None:
        Output("json").hint("Half of it is done.")
        message = "No."
        raise pinakes.Invalid(message)

    failing, silent = App(), App()
    failing.default(fail)
    silent.default(lambda: None)
    monkeypatch.setattr(main, "build", lambda: failing)
    assert run()[0] == errors.MISUSED
    monkeypatch.setattr(main, "build", lambda: silent)
    assert run() == (0, "", "")


def test_what_is_written_to_a_file_is_told_and_what_goes_to_stdout_stands_alone(
    run: Run, answer: Callable[[Answer], object], tmp_path: Path
):
    answer(lambda _: httpx2.Response(200, content=b'{"a": 1}\n'))
    file = tmp_path / "out.jsonl"
    status, out, err = run("export", ID, str(file), "--json")
    assert (status, json.loads(out), err) == (0, {"file": str(file), "bytes": 9}, "")
    assert run("export", ID, "--json") == (0, '{"a": 1}\n', "")


def test_settings_as_json(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PINAKES_ADMIN_TOKEN", "hidden")
    status, out, err = run("check-config", "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert found["settings"]["PINAKES_ADMIN_TOKEN"] == "***"
    assert found["settings"]["PINAKES_PORT"] == 8080
    assert found["unknown"] == []
    assert run("check-config", "--quiet") == (0, "", "")


def test_a_table_on_a_terminal(monkeypatch: pytest.MonkeyPatch):
    out = io.StringIO()
    monkeypatch.setattr(out, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdout", out)
    columns: list[Column[tuple[str, int]]] = [
        Column("name", lambda r: r[0]),
        Column("size", lambda r: r[1], right=True),
    ]
    Output().rows([("a\x07b", 10), ("[bold]c", 9)], columns, name=lambda r: r[0])
    cells = [line.split() for line in out.getvalue().splitlines()]
    assert ["ab", "10"] in cells
    assert ["[bold]c", "9"] in cells


def test_adding_reports_what_was_not_added(run: Run, answer: Callable[[Answer], object], tmp_path: Path):
    error = refusal("already_in_collection", "It is there.")["error"]
    results = [
        {"outcome": "added", "entry": ENTRY["id"]},
        {"outcome": "duplicate", "entry": ENTRY["id"], "error": error},
    ]
    batch = {"revision": 4, "applied": True, "results": results, "counts": {"added": 1, "duplicate": 1}}
    asked = answer(always(batch))
    (tmp_path / "items").write_text("paper:1706.03762\n\n7\n")
    arguments = ("items", "add", ID, "model:ada/bert", "--from-file", str(tmp_path / "items"), "--note", "n")
    status, out, err = run(*arguments)
    assert (status, out) == (errors.PARTLY, "outcome\tlines\nadded\t1\nduplicate\t1\n")
    assert err == "line 2: duplicate: It is there.\nThe collection is at revision 4.\n"
    assert run(*arguments, "--exists-ok")[0] == 0
    assert run(*arguments, "--quiet")[1] == f"{ENTRY['id']}\n"
    assert json.loads(run(*arguments, "--json")[1])["lines"][1]["error"]["code"] == "already_in_collection"
    assert isinstance(asked, list)
    assert json.loads(asked[0].content)["items"] == [
        {"item": {"kind": "model", "address": "ada/bert"}, "note": "n"},
        {"item": {"kind": "paper", "address": "1706.03762"}, "note": "n"},
        {"item": 7, "note": "n"},
    ]


def test_a_paper_that_is_known_is_corrected_without_its_title(run: Run, answer: Callable[[Answer], object]):
    named = {"id": 7, "kind": "paper", "address": "2010.11929", "name": "vit", "title": "", "visibility": "public"}
    paper = {**named, "arxiv_id": "2010.11929", "authors": [], "abstract": "Words", "votes": 0, "voted": False}
    asked = answer(always({**paper, "can": [], "created_at": AT, "updated_at": AT}))
    register = ("items", "register", "paper", "2010.11929", "--abstract", "Words")
    status, out, err = run(*register)
    assert (status, out, asked) == (errors.MISUSED, "", [])
    assert "--title" in err
    assert run(*register, "--correct", "--quiet") == (0, "paper:2010.11929\n", "")
    assert isinstance(asked, list)
    assert (asked[0].method, json.loads(asked[0].content)) == ("PATCH", {"abstract": "Words"})


def test_an_entry_can_be_named_by_its_item(run: Run, answer: Callable[[Answer], object]):
    def handle(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/entries"):
            return httpx2.Response(200, json={"rows": [ENTRY], "next": None})
        return httpx2.Response(200, json=ENTRY["item"] if "/repos/" in request.url.path else ENTRY)

    asked = answer(handle)
    status, out, _ = run("items", "note", ID, "model:Ada/BERT", "Read this")
    assert status == 0
    assert "note\tRead this\n" in out
    assert isinstance(asked, list)
    assert asked[-1].method == "PATCH"
    assert asked[-1].url.path.endswith(f"/entries/{ENTRY['id']}")


@pytest.mark.parametrize(
    "arguments",
    [
        ["collections", "purge", ID],
        ["admin", "users", "rm", "ada"],
        ["admin", "organizations", "rm", "acme"],
        ["admin", "teams", "rm", "acme-vision"],
    ],
)
def test_what_can_not_be_taken_back_asks_for_yes(run: Run, answer: Callable[[Answer], object], arguments: list[str]):
    asked = answer(lambda _: httpx2.Response(204))
    status, _, err = run(*arguments)
    assert (status, asked) == (errors.MISUSED, [])
    assert f"pinakes {' '.join(arguments)} --yes" in err
    assert run(*arguments, "--yes")[0] == 0
    assert isinstance(asked, list)
    assert len(asked) == 1


def test_the_same_import_has_the_same_key(run: Run, answer: Callable[[Answer], object], tmp_path: Path):
    counts = {"lines": 1, "added": 1, "duplicates": 0, "unknown": 0, "invalid": 0, "revision": 4}
    replay = {"idempotent-replay": "true"}
    asked = answer(lambda _: httpx2.Response(200, content=json.dumps({"summary": counts}).encode(), headers=replay))
    path = tmp_path / "x.csv"
    path.write_text("kind,address\nmodel,ada/bert\n")
    status, out, err = run("import", ID, str(path))
    assert (status, out) == (0, "outcome\tlines\nadded\t1\n")
    assert "carried out before" in err
    run("import", ID, str(path))
    run("import", ID, str(path), "--atomic")
    run("import", ID, str(path), "--again")
    run("import", ID, str(path), "--key", "mine")
    assert isinstance(asked, list)
    keys = [request.headers["idempotency-key"] for request in asked]
    assert keys[0] == keys[1]
    assert len(set(keys[1:])) == 4
    assert keys[-1] == "mine"


def test_a_file_that_is_not_there(run: Run, answer: Callable[[Answer], object]):
    answer(always({}))
    status, _, err = run("import", ID, "/no/such/file")
    assert (status, err) == (errors.FAILED, "pinakes: /no/such/file: No such file or directory\n")


def test_logging_in_checks_the_token_and_keeps_it(run: Run, answer: Callable[[Answer], object]):
    me = {"name": "ada", "kind": "user", "display_name": "", "created_at": AT, "organizations": [], "token": None}
    asked = answer(always(me))
    status, out, err = run("login", "--url", "here:8080", "--token", "t" * 20)
    assert (status, out) == (0, "name\tada\n")
    assert "as ada" in err
    assert "t" * 20 not in err
    assert config.saved() == config.Login("https://here:8080", "t" * 20)
    assert isinstance(asked, list)
    assert asked[0].headers["authorization"] == f"Bearer {'t' * 20}"
    assert run("logout")[0] == 0
    assert config.saved() is None
    answer(always(refusal("invalid_credentials"), 401))
    assert run("login", "--url", "here:8080", "--token", "wrong")[0] == errors.NOT_ALLOWED
    assert config.saved() is None
