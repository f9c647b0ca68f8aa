"""The command `pinakes`: which commands there are. Each lives in a module that is imported when it runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from cyclopts import App, CycloptsError, Group, Parameter

from pinakes.cli import errors

WORK = Group("Collections", sort_key=1)
RELEASES = Group("Releases", sort_key=2)
LABELING = Group("Media and labels", sort_key=3)
SERVER = Group("A server and its people", sort_key=4)

# A command, where it is, its group, and the sentence that `--help` shows without importing it.
COMMANDS = (
    ("login", "session:login", SERVER, "Log in to a server: check a token and keep it."),
    ("logout", "session:logout", SERVER, "Forget the saved login."),
    ("whoami", "session:whoami", SERVER, "Show who you are on the server."),
    ("collections", "collections:app", WORK, "List, show, create, change and compare collections."),
    ("items", "items:app", WORK, "Add, remove, order and annotate what is in a collection; register items."),
    ("live", "live:app", WORK, "Let collections follow a query, with pinned and banned items; freeze them."),
    ("combine", "live:combine", WORK, "Unite, intersect or subtract collections."),
    ("checks", "live:checks", WORK, "Hold a collection against rules whenever it changes."),
    ("history", "feed:history", WORK, "Show what happened to a collection, newest first."),
    ("search", "feed:search", WORK, "Find collections and items by words."),
    ("export", "transfers:export", WORK, "Write a collection's entries to a file."),
    ("import", "transfers:import_", WORK, "Add what a file lists to a collection."),
    ("events", "feed:events", WORK, "Show what happens, as it happens with --follow."),
    ("webhooks", "webhooks:app", WORK, "Have somebody told of what happens, by a signed request for each thing."),
    (
        "registries",
        "registries:app",
        RELEASES,
        "Keep an organization's shelves of releases, and who may do what there.",
    ),
    ("releases", "releases:app", RELEASES, "Link versions, set aliases, promote; ask what an alias named then."),
    (
        "artifacts",
        "artifacts:app",
        RELEASES,
        "Put and get versions of artifacts with their files; see where they come from.",
    ),
    (
        "projects",
        "projects:app",
        RELEASES,
        "Keep the projects where runs and artifacts are logged, and where media live.",
    ),
    ("workspaces", "projects:workspaces", LABELING, "Keep the parts of an account's work, where its projects are."),
    ("datasets", "datasets:app", LABELING, "Keep the datasets of a project of media: its folders."),
    (
        "media",
        "media:app",
        LABELING,
        "Bring images, videos, point clouds and volumes in and out; find and change them.",
    ),
    ("selections", "live:selections", LABELING, "Make and list the selections of a project of media."),
    ("labels", "labels:app", LABELING, "Keep a project's classes and tags; read and write the labels of its items."),
    ("annotations", "annotations:app", LABELING, "Write labels out as COCO, YOLO or JSON lines, and read COCO."),
    ("queues", "queues:app", LABELING, "Have collections and datasets labeled; label and review."),
    ("admin", "people:app", SERVER, "Manage users, tokens, organizations and teams."),
    ("serve", "admin:serve", SERVER, "Start a server."),
    ("migrate", "admin:migrate", SERVER, "Bring the database up to date."),
    ("check-config", "admin:check_config", SERVER, "Show the settings as the server would read them."),
    ("work", "admin:work", SERVER, "Run background jobs for a server."),
)
GLOBAL_FLAGS = frozenset({"--json", "--quiet", "-q"})

EPILOGUE = (
    "Every command takes --json and --quiet. A collection is named by its id, slug or URL; an item as kind:address, "
    "such as model:google/vit-base-patch16-224 or paper:2010.11929, or by its URL on huggingface.co or arxiv.org; a "
    "release as ORG/REGISTRY/RELEASE, an artifact as OWNER/PROJECT/ARTIFACT, a version of either with :v3 or :alias."
)


def build() -> App:
    """Join the commands."""
    app = App(
        name="pinakes",
        help="Collections for machine-learning teams.",
        help_epilogue=EPILOGUE,
        version=lambda: version("pinakes"),
        help_format="plaintext",
        version_format="plaintext",
        default_parameter=Parameter(negative_iterable=()),
        exit_on_error=False,
        print_error=False,
    )
    for name, place, group, about in COMMANDS:
        app.command(f"pinakes.cli.{place}", name=name, group=group, help=about)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, and end with the status that `errors` describes."""
    sys.exit(run([*(sys.argv[1:] if arguments is None else arguments)]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit status."""
    _begin()
    try:
        status = build()(_flags_last(arguments), result_action="return_value")
        _end()
        sys.stdout.flush()
    except CycloptsError as error:
        return _misused(error)
    except KeyboardInterrupt:
        return errors.INTERRUPTED
    except BrokenPipeError:  # whoever read our output has enough; nothing may be written at the end either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return errors.DONE
    except Exception as error:  # noqa: BLE001 - what nobody can name is raised again
        return _failed(error, json="--json" in arguments)
    return status if isinstance(status, int) else errors.DONE


def _begin() -> None:
    """Forget what a command before in this process printed and said; most processes run one."""
    output = sys.modules.get("pinakes.cli.output")
    if output is not None:
        output.Output.begin()


def _end() -> None:
    """Have a command that ended well print JSON where it was to and didn't; most need nothing for that."""
    output = sys.modules.get("pinakes.cli.output")
    if output is not None:
        output.Output.end()


def _flags_last(arguments: list[str]) -> list[str]:
    """Let `pinakes --json collections ls` be what `pinakes collections ls --json` is."""
    leading = 0
    while leading < len(arguments) and arguments[leading] in GLOBAL_FLAGS:
        leading += 1
    return arguments[leading:] + arguments[:leading]


def _misused(error: CycloptsError) -> int:
    from pinakes.cli.output import say

    say(f"pinakes: {error}")
    chain = [*error.command_chain] if error.command_chain else []
    say(f"  See `{' '.join(['pinakes', *chain])} --help`.")
    return errors.MISUSED


def _failed(error: Exception, *, json: bool) -> int:
    from pinakes.sdk.errors import PinakesError

    if isinstance(error, PinakesError):
        return errors.explain(error, json=json)
    if isinstance(error, OSError) and error.filename is not None:
        print(f"pinakes: {error.filename}: {error.strerror}", file=sys.stderr)
        return errors.FAILED
    raise error


if __name__ == "__main__":
    main()
