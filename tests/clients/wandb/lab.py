"""What the tests of the `wandb` client are written with: the server, people and teams for it, and a desk to work at.

Imports nothing of ours but what stands here: the same folder also runs under the older client's interpreter.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any
from unittest.mock import patch

import wandb
from wandb.sdk.artifacts import artifact_instance_cache as known

# Nothing but loopback: no statistics, no reports of errors; and no look at the machine, which takes its time.
QUIET = {
    "WANDB_SILENT": "true",
    "WANDB_ERROR_REPORTING": "false",
    "WANDB_DISABLE_GIT": "true",
    "WANDB_DISABLE_CODE": "true",
    "WANDB_X_DISABLE_STATS": "true",
    "WANDB_X_DISABLE_MACHINE_INFO": "true",
    "WANDB_X_SAVE_REQUIREMENTS": "false",
    "DO_NOT_TRACK": "1",
    "NO_COLOR": "1",
}


def unique(word: str) -> str:
    """A name that nobody has."""
    return f"{word}-{uuid.uuid4().hex[:10]}"


def version() -> tuple[int, ...]:
    """The release of the client."""
    return tuple(int(part) for part in wandb.__version__.split(".")[:3])


@dataclass(frozen=True)
class Answer:
    """What the server answered; the names of headers are in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    def json(self) -> Any:  # noqa: ANN401 - JSON
        """The body."""
        return json.loads(self.body)


def request(method: str, url: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
    """Make a request by hand; a body that is no bytes is sent as JSON. Redirects are followed."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    given = dict(headers or {})
    if body is not None and not isinstance(body, bytes):
        given.setdefault("Content-Type", "application/json")
    asked = urllib.request.Request(url, data=data, headers=given, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return Answer(answer.status, answer.read(), _lower(answer.headers))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read(), _lower(error.headers))


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@dataclass(frozen=True)
class Person:
    """A user with a key."""

    url: str
    name: str
    key: str

    def native(self, method: str, path: str, body: object = None) -> Answer:
        """Call the native API."""
        return request(method, f"{self.url}/api/v1{path}", body, {"Authorization": f"Bearer {self.key}"})

    def made(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """Call the native API, which must succeed; return what it answers."""
        answer = self.native(method, path, body)
        assert 200 <= answer.status < 300, f"{method} {path}: {answer.status} {answer.body!r}"
        return answer.json() if answer.body else None

    def call(self, method: str, path: str, body: object = None) -> Answer:
        """Call the server as the client does."""
        credential = base64.b64encode(f"api:{self.key}".encode()).decode()
        return request(method, f"{self.url}{path}", body, {"Authorization": f"Basic {credential}"})

    def graphql(self, query: str, **variables: object) -> Any:  # noqa: ANN401 - JSON
        """Run a document, which must succeed; return its data."""
        answer = self.call("POST", "/graphql", {"query": query, "variables": variables, "operationName": ""})
        assert answer.status == 200, answer.body
        return answer.json()["data"]


@dataclass(frozen=True)
class Team:
    """A team, and the organization that it is of."""

    name: str
    organization: str
    organization_title: str


@dataclass(frozen=True)
class Lab:
    """The server, and people, organizations and teams for it."""

    url: str
    admin_token: str

    @property
    def admin(self) -> Person:
        """The administrator."""
        return Person(self.url, "admin", self.admin_token)

    def person(self, word: str = "user", *, scope: str = "admin") -> Person:
        """A new user, with a key."""
        name = unique(word)
        self.admin.made("POST", "/users", {"name": name, "email": f"{name}@example.org"})
        return self.with_key(name, scope)

    def with_key(self, name: str, scope: str) -> Person:
        """A user, with another key."""
        made = self.admin.made("POST", f"/users/{name}/tokens", {"name": unique("key"), "scope": scope})
        return Person(self.url, name, made["token"])

    def organization(self, word: str = "org", title: str | None = None, **roles: Person) -> str:
        """A new organization with members: `admin=someone, member=someone_else`; people call it by its title."""
        name = unique(word)
        self.admin.made("POST", "/organizations", {"name": name, "display_name": title or f"{word.title()} {name}"})
        for role, person in roles.items():
            self.join(f"/organizations/{name}", person, role)
        return name

    def team(self, word: str = "team", *, organization: str | None = None, **roles: Person) -> Team:
        """A new team, of a new organization unless one is named, whose members are its members, too."""
        if organization is None:
            organization = self.organization()
            for role, person in roles.items():
                self.join(f"/organizations/{organization}", person, role)
        name = unique(word)
        self.admin.made("POST", f"/organizations/{organization}/teams", {"name": name, "display_name": word.title()})
        for role, person in roles.items():
            self.join(f"/teams/{name}", person, role)
        title = self.admin.made("GET", f"/organizations/{organization}")["display_name"]
        return Team(name, organization, title)

    def accidents(self) -> list[str]:
        """How often the server answered 5xx, by what was asked."""
        lines = request("GET", f"{self.url}/metrics").body.decode().splitlines()
        return [line for line in lines if line.startswith("pinakes_requests_total") and 'status="5' in line]

    def join(self, group: str, person: Person, role: str = "member") -> None:
        """Give somebody a role in `/organizations/…` or `/teams/…`."""
        self.admin.made("PUT", f"{group}/members/{person.name}", {"role": role})


@dataclass(frozen=True)
class Desk:
    """Where somebody works: his environment is this process's, and its folders are his alone.

    Attributes:
        project: A name that no project has yet.
        folder: What `wandb` writes is below it; the rest of it is the test's.
    """

    lab: Lab
    person: Person
    team: Team
    project: str
    folder: Path

    @property
    def path(self) -> str:
        """The project, as paths name it."""
        return f"{self.team.name}/{self.project}"

    def init(self, **given: Any) -> wandb.Run:  # noqa: ANN401 - as wandb takes them
        """Begin a run of the team in the project."""
        given.setdefault("entity", self.team.name)
        given.setdefault("project", self.project)
        return wandb.init(**given)

    def api(self, **overrides: str) -> wandb.Api:
        """A client of the public API, which knows nothing yet."""
        return wandb.Api(overrides={"entity": self.team.name, "project": self.project, **overrides}, timeout=30)

    def environment(self, person: Person | None = None, **more: str) -> dict[str, str]:
        """The environment of a process that works for somebody (the one at the desk)."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("WANDB_", "PINAKES_"))}
        return {**kept, **environment_of(person or self.person, self.folder), **more}

    @contextmanager
    def as_(self, person: Person) -> Generator[Desk]:
        """The same place for somebody else, with folders of his own, as long as this lasts."""
        folder = self.folder / f"of-{person.name}"
        with working(person, folder):
            yield Desk(self.lab, person, self.team, self.project, folder)

    @contextmanager
    def afresh(self) -> Generator[Desk]:
        """The same place as after a move to another machine: nothing is cached there."""
        folder = self.folder / unique("elsewhere")
        with working(self.person, folder):
            yield Desk(self.lab, self.person, self.team, self.project, folder)

    def python(self, code: str, *, person: Person | None = None, **more: str) -> str:
        """Run code in a process of its own, which must succeed; return what it prints."""
        return run_process([sys.executable, "-c", code], self.environment(person, **more), self.folder)

    def cli(self, *arguments: str, person: Person | None = None, **more: str) -> str:
        """Run the command line, which must succeed; return all that it prints."""
        return run_process([sys.executable, "-m", "wandb", *arguments], self.environment(person, **more), self.folder)


def environment_of(person: Person, folder: Path) -> dict[str, str]:
    """What is in the environment of somebody who works with the server; his folders are made."""
    folders = {
        f"WANDB_{name}": folder / name.lower()
        for name in ("DIR", "CACHE_DIR", "CONFIG_DIR", "DATA_DIR", "ARTIFACT_DIR")
    }
    for place in folders.values():
        place.mkdir(parents=True, exist_ok=True)
    return {
        **QUIET,
        **{name: str(place) for name, place in folders.items()},
        "WANDB_BASE_URL": person.url,
        "WANDB_API_KEY": person.key,
        "NETRC": str(folder / "netrc"),
    }


def begin_anew() -> None:
    """End the client, and have it forget the versions that it has seen: they ask by the connections that ended."""
    with _service_ended_after(20):
        wandb.teardown()
    known.artifact_instance_cache.clear()
    known.artifact_instance_cache_by_client_id.clear()
    # The older client has one more that lives as long as the process.
    if getattr(wandb.api, "_api", None) is not None:
        vars(wandb.api)["_api"] = None


def _command_of(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except FileNotFoundError:  # it has just ended
        return ""


@contextmanager
def _service_ended_after(seconds: float) -> Generator[None]:
    """End the client's own service by force when it does not end by itself, which the client would wait for for ever.

    The older release's does that now and then, with nothing left to send. What a test looks at has been seen by then.
    The client wants to exit with the code of a service that was killed: that, and nothing else, is let go by.
    """
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    services = [int(pid) for pid in children if "wandb-core" in _command_of(pid)]
    killed = threading.Event()

    def end() -> None:
        killed.set()
        for pid in services:
            sys.stderr.write(f"wandb's service {pid} has not ended in {seconds:.0f} s; it is killed.\n")
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(pid, signal.SIGKILL)

    watch = threading.Timer(seconds, end)
    watch.start()
    try:
        yield
    except SystemExit:
        if not killed.is_set():
            raise
    finally:
        watch.cancel()
        watch.join()


@contextmanager
def working(person: Person, folder: Path) -> Generator[None]:
    """Work for somebody as long as this lasts: the client begins anew, and ends."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    begin_anew()
    try:
        with patch.dict(os.environ, {**kept, **environment_of(person, folder)}, clear=True):
            try:
                yield
            finally:
                begin_anew()
    finally:
        # Whoever worked before goes on in his environment, as if he had just begun.
        begin_anew()


def run_process(command: list[str], environment: Mapping[str, str], folder: Path) -> str:
    """Run a command, which must succeed; return what it prints."""
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr
