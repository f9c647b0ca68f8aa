"""Fill a running server with `showcase.yaml`, through the real `huggingface_hub` client wherever it has the call.

    python examples/demo/fill.py --url http://127.0.0.1:8080 --token pinakes_…

The token is an administrator's. Running it again changes nothing that is there already.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from shlex import quote
from typing import Any, Literal, NotRequired, TypedDict, cast

import httpx2
import yaml
from huggingface_hub import Collection, HfApi
from huggingface_hub.errors import HfHubHTTPError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

SHOWCASE = Path(__file__).with_name("showcase.yaml")

RepoKind = Literal["model", "dataset", "space"]
ItemKind = Literal["model", "dataset", "space", "paper", "collection"]

REPO_KINDS: tuple[RepoKind, ...] = ("model", "dataset", "space")
ITEM_KINDS: tuple[ItemKind, ...] = (*REPO_KINDS, "paper", "collection")


class Account(TypedDict):
    """Who owns things: a user or an organization."""

    name: str
    kind: Literal["user", "organization"]
    display_name: str
    members: NotRequired[dict[str, str]]


class Repo(TypedDict):
    """A model, dataset or space."""

    id: str
    tags: list[str]
    pipeline_tag: NotRequired[str]
    sdk: NotRequired[str]
    gated: NotRequired[Literal["auto", "manual"]]
    private: NotRequired[bool]


class Paper(TypedDict):
    """A paper on arXiv."""

    id: str
    title: str
    authors: list[str]
    published: date
    summary: str


class Showcase(TypedDict):
    """A collection to make; each of its items has its kind as a key, and perhaps a note."""

    key: str
    owner: str
    title: str
    theme: str
    items: list[dict[str, str]]
    description: NotRequired[str]
    private: NotRequired[bool]


class Contents(TypedDict):
    """The whole file."""

    accounts: list[Account]
    models: list[Repo]
    datasets: list[Repo]
    spaces: list[Repo]
    papers: list[Paper]
    collections: list[Showcase]


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a collection, as the client's call takes it."""

    kind: ItemKind
    id: str
    note: str | None


class Refused(Exception):
    """The server answered no, in its own words."""


class Native:
    """The few calls of the native API that the Hub's client does not have."""

    def __init__(self, url: str, token: str) -> None:
        self._client = httpx2.Client(
            base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=30, trust_env=False
        )

    def send(
        self, method: str, path: str, body: Mapping[str, object] | None = None, *, exists_ok: bool = False
    ) -> dict[str, Any]:
        """Send a request and return the answer; with `exists_ok`, nothing if what it would make is there."""
        answer = self._client.request(method, path, json=body)
        if exists_ok and answer.status_code == HTTPStatus.CONFLICT:
            return {}
        if answer.is_error:
            message = f"{method} /api/v1{path} was answered {answer.status_code}: {answer.text}"
            raise Refused(message)
        return cast("dict[str, Any]", answer.json()) if answer.content else {}

    @contextmanager
    def token_of(self, user: str) -> Generator[str]:
        """Lend a token of a user's, so that what is made with it is his work; it ends with the loan."""
        path = f"/users/{user}/tokens"
        end = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        made = self.send("POST", path, {"name": "showcase", "scope": "write", "expires_at": end})
        try:
            yield str(made["token"])
        finally:
            self.send("DELETE", f"{path}/{made['id']}")


@dataclass(slots=True)
class Filler:
    """Makes everything, in the order of the file, and counts what is done."""

    contents: Contents
    native: Native
    hub: HfApi
    password: str | None = None
    step: Callable[[str], None] = print
    made: dict[str, Collection] = field(default_factory=dict)

    def run(self) -> None:
        """Make the accounts, then what they own, then the collections."""
        for account in self.contents["accounts"]:
            self.make_account(account)
        for account in self.contents["accounts"]:
            self.make_members(account)
        for paper in self.contents["papers"]:
            self.register(paper)
        for kind in REPO_KINDS:
            for repo in repos(self.contents, kind):
                self.make_repo(kind, repo)
        for showcase in self.contents["collections"]:
            self.make_collection(showcase)

    def make_account(self, account: Account) -> None:
        """Make a user or an organization; one that is there stays as it is."""
        body = {"name": account["name"], "display_name": account["display_name"]}
        if account["kind"] == "user" and self.password is not None:
            body["password"] = self.password
        self.native.send("POST", f"/{account['kind']}s", body, exists_ok=True)
        self.step(account["name"])

    def make_members(self, account: Account) -> None:
        """Give an organization its members."""
        for user, role in account.get("members", {}).items():
            self.native.send("PUT", f"/organizations/{account['name']}/members/{user}", {"role": role})

    def register(self, paper: Paper) -> None:
        """Make a paper known: the Hub's client has no call for it, since the Hub knows arXiv by itself."""
        body = {
            "id": paper["id"],
            "title": paper["title"],
            "authors": [{"name": name} for name in paper["authors"]],
            "abstract": paper["summary"],
            "published_at": f"{paper['published'].isoformat()}T00:00:00Z",
        }
        self.native.send("POST", "/papers", body)
        self.step(paper["title"])

    def make_repo(self, kind: RepoKind, repo: Repo) -> None:
        """Make a repository with the client, and say natively what the Hub would read from its card."""
        self.hub.create_repo(
            repo["id"],
            repo_type=kind,
            private=repo.get("private", False),
            space_sdk=repo.get("sdk"),
            exist_ok=True,
        )
        if gate := repo.get("gated"):
            self.hub.update_repo_settings(repo["id"], repo_type=kind, gated=gate)
        card: dict[str, object] = {"tags": repo["tags"]}
        if task := repo.get("pipeline_tag"):
            card["pipeline_tag"] = task
        self.native.send("PATCH", f"/repos/{kind}/{repo['id']}", card)
        self.step(repo["id"])

    def make_collection(self, showcase: Showcase) -> None:
        """Make a collection: a user's with a token of his, an organization's as the administrator."""
        if showcase["owner"] in users(self.contents):
            with self.native.token_of(showcase["owner"]) as token:
                self.made[showcase["key"]] = self.curate(showcase, token)
        else:
            self.made[showcase["key"]] = self.curate(showcase, None)

    def curate(self, showcase: Showcase, token: str | None) -> Collection:
        """Make a collection and put its items into it, with the client alone."""
        collection = self.hub.create_collection(
            showcase["title"],
            namespace=showcase["owner"],
            description=showcase.get("description"),
            private=showcase.get("private", False),
            exists_ok=True,
            token=token,
        )
        if collection.theme != showcase["theme"]:
            self.hub.update_collection_metadata(collection.slug, theme=showcase["theme"], token=token)
        for entry in showcase["items"]:
            item = self.item(entry)
            collection = self.hub.add_collection_item(
                collection.slug, item_id=item.id, item_type=item.kind, note=item.note, exists_ok=True, token=token
            )
            self.step(showcase["title"])
        return collection

    def item(self, entry: Mapping[str, str]) -> Item:
        """Read an entry of the file; a collection is named there by its key, here by its slug."""
        kind: ItemKind = next(kind for kind in ITEM_KINDS if entry.get(kind))
        name = self.made[entry[kind]].slug if kind == "collection" else entry[kind]
        return Item(kind, name, entry.get("note"))


def read(path: Path = SHOWCASE) -> Contents:
    """Read the file."""
    return cast("Contents", yaml.safe_load(path.read_text(encoding="utf-8")))


def repos(contents: Contents, kind: RepoKind) -> list[Repo]:
    """Return the repositories of one kind."""
    return {"model": contents["models"], "dataset": contents["datasets"], "space": contents["spaces"]}[kind]


def users(contents: Contents) -> set[str]:
    """Return the names of the users."""
    return {account["name"] for account in contents["accounts"] if account["kind"] == "user"}


def count_steps(contents: Contents) -> int:
    """Count what the progress bar counts."""
    things = len(contents["accounts"]) + len(contents["papers"])
    things += sum(len(repos(contents, kind)) for kind in REPO_KINDS)
    return things + sum(len(showcase["items"]) for showcase in contents["collections"])


def fill(contents: Contents, url: str, token: str, password: str | None = None) -> list[Collection]:
    """Fill a server, with a progress bar on stderr, and return the collections."""
    columns = (
        TextColumn("Filling"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=count_steps(contents))

        def step(name: str) -> None:
            progress.update(task, advance=1, description=name)

        filler = Filler(contents, Native(url, token), HfApi(endpoint=url, token=token), password, step)
        filler.run()
    return list(filler.made.values())


def table(collections: list[Collection]) -> Table:
    """Lay out what was made."""
    rows = Table("Title", "Owner", "Items", "URL", box=None, header_style="bold")
    rows.columns[2].justify = "right"
    for made in collections:
        title = f"{made.title} (private)" if made.private else made.title
        rows.add_row(title, made.owner, str(len(made.items)), made.url)
    return rows


def commands(collections: list[Collection], url: str, token: str) -> str:
    """Say what to try; the shell is told where the token is, or left to fill it in."""
    [week] = [made for made in collections if made.owner == "osanseviero"]
    [begin] = [made for made in collections if made.title.startswith("Πίνακες")]
    return f"""\
export HF_ENDPOINT={url} HF_TOKEN={token}
hf collections ls --owner callimachus
hf collections info {week.slug}
hf collections ls --item papers/1706.03762

export PINAKES_URL={url} PINAKES_TOKEN={token}
pinakes collections ls --owner alexandria
pinakes items ls {week.slug}
pinakes items where paper:1706.03762

curl '{url}/api/collections?owner=alexandria'      # a visitor: without what is private
curl {url}/api/collections/{begin.slug}
"""


def show(collections: list[Collection], url: str, token: str) -> None:
    """Print what was made and what to try; the terminal may break a long line, so that it can still be copied."""
    console = Console(width=max(Console().width, 200), soft_wrap=True)
    console.print(table(collections))
    console.print("\n[bold]Try[/bold]\n")
    print(commands(collections, url, token))


def main() -> int:
    """Read the arguments, fill, and say what there is."""
    options = arguments()
    url = options.url.rstrip("/")
    token = options.token or (options.token_file and options.token_file.read_text(encoding="utf-8").strip())
    if not token:
        print("Give an administrator's token: --token, --token-file or PINAKES_TOKEN.", file=sys.stderr)
        return 2
    try:
        made = fill(read(), url, token, options.password)
    except (Refused, HfHubHTTPError, httpx2.TransportError) as error:
        print(f"fill: {url}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    show(made, url, f"$(cat {quote(str(options.token_file))})" if options.token_file else "…")
    return 0


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Fill a running Pinakes server with the showcase.")
    parser.add_argument("--url", default=os.environ.get("PINAKES_URL", "http://127.0.0.1:8080"))
    parser.add_argument("--token", default=None, help="an administrator's; PINAKES_TOKEN when left out")
    parser.add_argument("--token-file", type=Path, help="a file that has it")
    parser.add_argument("--password", help="for the people who are made; without it they can't sign in to the web")
    options = parser.parse_args()
    if options.token is None and options.token_file is None:
        options.token = os.environ.get("PINAKES_TOKEN")
    return options


if __name__ == "__main__":
    sys.exit(main())
