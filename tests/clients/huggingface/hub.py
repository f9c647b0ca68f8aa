"""What the tests of the Hub's client are written with: people, their clients, their command line.

Imports nothing of ours and no test of the main run: the same folder also runs under the older client's interpreter.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import HfApi

HF = Path(sys.executable).with_name("hf")
# Nothing but loopback: no statistics, no look for updates.
QUIET = {
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "HF_HUB_DISABLE_XET": "1",
    "NO_COLOR": "1",
}


def unique(word: str) -> str:
    """A name that nobody has."""
    return f"{word}-{uuid.uuid4().hex[:10]}"


class Terminal:
    """A process that runs commands of `hf`, one after the other; see terminal.py."""

    def __init__(self, url: str) -> None:
        """Start it."""
        self._home = tempfile.TemporaryDirectory(prefix="pinakes-hf-terminal-")
        command = [sys.executable, str(Path(__file__).with_name("terminal.py"))]
        environment = environment_of(url, self._home.name)
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True)

    def run(self, arguments: Sequence[str], token: str) -> dict[str, object]:
        """Run a command, and return its status and what it said."""
        talk = self._process
        assert talk.stdin is not None
        assert talk.stdout is not None
        talk.stdin.write(json.dumps({"arguments": arguments, "token": token}) + "\n")
        talk.stdin.flush()
        return json.loads(talk.stdout.readline())

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=10)
        self._home.cleanup()


@cache
def terminal(url: str) -> Terminal:
    """The terminal of a server."""
    made = Terminal(url)
    atexit.register(made.close)
    return made


def environment_of(url: str, home: str, **more: str) -> dict[str, str]:
    """The environment of a process that works with a server."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "PINAKES_", "HUGGING"))}
    return {**kept, **QUIET, "HF_ENDPOINT": url, "HF_HOME": home, **more}


@dataclass(frozen=True)
class Person:
    """A user with a token, and what he works with."""

    url: str
    name: str
    token: str
    home: Path

    @cached_property
    def api(self) -> HfApi:
        """His client."""
        return HfApi(endpoint=self.url, token=self.token)

    def repo(self, word: str = "model", *, kind: str = "model", private: bool = False, owner: str | None = None) -> str:
        """Make a repository of a new name, and return its id."""
        name = f"{owner or self.name}/{unique(word)}"
        sdk = "gradio" if kind == "space" else None
        return self.api.create_repo(name, repo_type=kind, private=private, space_sdk=sdk).repo_id

    def call(self, method: str, path: str, **given: Any) -> httpx2.Response:  # noqa: ANN401 - as httpx2 takes them
        """Call the server by hand."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return httpx2.request(method, f"{self.url}{path}", headers=headers, **given)

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a process that works for this person."""
        return environment_of(self.url, str(self.home), HF_TOKEN=self.token, **more)

    def python(self, *arguments: str, stdin: str | None = None) -> str:
        """Run a script in a process of its own, whose module-level functions call our server; return what it prints."""
        return _run([sys.executable, *arguments], self.environment(), stdin)

    def hf(self, *arguments: str) -> str:
        """Run the command line; return what it prints."""
        done = terminal(self.url).run(arguments, self.token)
        assert done["status"] == 0, done
        return str(done["out"])

    def hf_json(self, *arguments: str) -> Any:  # noqa: ANN401 - whatever the command prints
        """Run the command line, and read what it prints as JSON."""
        return json.loads(self.hf(*arguments, "--format", "json"))

    def hf_fails(self, *arguments: str) -> str:
        """Run the command line, which must fail; return all it said."""
        done = terminal(self.url).run(arguments, self.token)
        assert done["status"] != 0, done
        return f"{done['out']}{done['err']}"


@dataclass(frozen=True)
class Hub:
    """The server, and people for it."""

    url: str
    admin_token: str
    homes: Path

    def admin(self, method: str, path: str, body: Mapping[str, object] | None = None) -> httpx2.Response:
        """Call the native API as the administrator."""
        headers = {"Authorization": f"Bearer {self.admin_token}"}
        answer = httpx2.request(method, f"{self.url}/api/v1{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer

    def person(self, word: str = "user", *, scope: str = "write", password: str | None = None) -> Person:
        """A new user, with a token."""
        name = unique(word)
        self.admin("POST", "/users", {"name": name, "email": f"{name}@example.org", "password": password})
        return self.with_token(name, scope)

    def with_token(self, name: str, scope: str) -> Person:
        """A user, with another token."""
        token = f"hf_{uuid.uuid4().hex}"
        body = {"name": f"token-{scope}", "scope": scope, "value": token}
        self.admin("POST", f"/users/{name}/tokens", body)
        return Person(self.url, name, token, self.homes / uuid.uuid4().hex)

    def organization(self, word: str = "org", **roles: Person) -> str:
        """A new organization with members: `admin=someone, member=someone_else`."""
        name = unique(word)
        self.admin("POST", "/organizations", {"name": name, "display_name": word.title()})
        for role, person in roles.items():
            self.admin("PUT", f"/organizations/{name}/members/{person.name}", {"role": role})
        return name

    def paper(self, title: str = "Attention Is All You Need") -> str:
        """Register a paper under an arXiv id that nobody has; return the id."""
        number = uuid.uuid4().int % 10**5
        arxiv_id = f"{uuid.uuid4().int % 24 + 1:02}{uuid.uuid4().int % 12 + 1:02}.{number:05}"
        body = {
            "id": arxiv_id,
            "title": title,
            "authors": [{"name": "Ashish Vaswani"}, {"name": "Noam Shazeer"}],
            "abstract": "The dominant sequence transduction models …",
            "published_at": "2017-06-12T17:57:34Z",
        }
        self.admin("POST", "/papers", body)
        return arxiv_id

    def bucket(self, owner: str) -> str:
        """Make a bucket known; return its id."""
        name = unique("bucket")
        self.admin("POST", "/buckets", {"name": name, "owner": owner})
        return f"{owner}/{name}"


def _run(command: list[str], environment: Mapping[str, str], stdin: str | None = None) -> str:
    done = subprocess.run(
        command, env=environment, input=stdin, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout
