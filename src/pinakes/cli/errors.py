"""The one table of errors: what went wrong, what to type next, and the exit status.

| status | meaning |
| --- | --- |
| 0 | done |
| 1 | the server refused, or something else went wrong |
| 2 | the command was not understood |
| 3 | not signed in, or not allowed |
| 4 | not found |
| 5 | in conflict with what exists, or it changed meanwhile |
| 6 | the server can't be reached, or can't answer just now |
| 7 | done, but some lines were not added |
| 130 | interrupted |
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pinakes.sdk.errors import PinakesError

DONE = 0
FAILED = 1
MISUSED = 2
NOT_ALLOWED = 3
NOT_FOUND = 4
IN_CONFLICT = 5
UNREACHABLE = 6
PARTLY = 7
INTERRUPTED = 130

# The exit status of each family of errors, by the name of its class in the SDK.
STATUSES = {
    "Invalid": MISUSED,
    "Unauthenticated": NOT_ALLOWED,
    "Forbidden": NOT_ALLOWED,
    "NotConnected": NOT_ALLOWED,
    "NotFound": NOT_FOUND,
    "Conflict": IN_CONFLICT,
    "PreconditionFailed": IN_CONFLICT,
    "ConnectionFailed": UNREACHABLE,
    "Unavailable": UNREACHABLE,
    "TooManyRequests": UNREACHABLE,
}

# The permission that no role in an organization gives.
SERVER_MANAGE = "server:manage"

# What to type next, by the error's code.
HINTS = {
    "not_connected": "Run `pinakes login --url https://…`, or set PINAKES_URL and PINAKES_TOKEN.",
    "login_unreadable": "Run `pinakes logout`, then `pinakes login`.",
    "unauthenticated": "Run `pinakes login`, or set PINAKES_TOKEN.",
    "invalid_credentials": "The token has ended or is another server's: run `pinakes login` with a new one.",
    "scope_too_narrow": "Use a token with a wider scope: `pinakes admin tokens create USER --scope write`.",
    "forbidden": "Ask an admin of the owner for a role: `pinakes admin organizations add ORG USER --role member`.",
    "account_not_found": "`pinakes admin organizations ls` and `pinakes admin users ls` show which accounts there are.",
    "collection_not_found": "`pinakes collections ls` lists what there is; `pinakes collections trash`, what went.",
    "item_not_found": "`pinakes search WORDS` finds items; `pinakes items register` makes them known.",
    "entry_not_found": "`pinakes items ls COLLECTION` shows the entries and their ids.",
    "revision_not_found": "`pinakes collections revisions COLLECTION` lists the revisions.",
    "webhook_not_found": "`pinakes webhooks ls` lists those that you manage.",
    "registry_not_found": "`pinakes registries ls` lists those that you see.",
    "project_not_found": "`pinakes projects ls` lists those that you see.",
    "workspace_not_found": "`pinakes workspaces ls ACCOUNT` lists an account's workspaces.",
    "dataset_not_found": "`pinakes datasets ls OWNER/PROJECT` lists the datasets of a project.",
    "media_not_found": "`pinakes media ls --project OWNER/PROJECT` lists the items of a project.",
    "label_class_not_found": "`pinakes labels classes ls OWNER/PROJECT` lists the classes of a project.",
    "label_tag_not_found": "`pinakes labels tags ls OWNER/PROJECT` lists the tags of a project.",
    "queue_not_found": "`pinakes queues ls` lists those that you see, or work in.",
    "job_not_found": "`pinakes queues people QUEUE` shows who has which part in it.",
    "check_failed": "`pinakes checks ls COLLECTION` lists the rules, `pinakes checks run` what is against them.",
    "lease_lost": "`pinakes queues next QUEUE` gives you the next item; a draft that you saved is kept.",
    "item_left_queue": "`pinakes queues next QUEUE` gives you the next item.",
    "version_not_found": "`pinakes releases versions COLLECTION` lists the versions of a release or an artifact.",
    "file_not_found": "`pinakes artifacts files VERSION` lists the files.",
    "promotion_not_found": "`pinakes releases promotions` lists those that you see.",
    "alias_protected": "Ask an admin of the registry: `pinakes registries members ls ORG/REGISTRY` shows who is one.",
    "approval_needed": "Ask for it: `pinakes releases promote ORG/REGISTRY/RELEASE ALIAS VERSION --reason …`.",
    "held_by_registry": "Take it out there first: `pinakes releases unlink ORG/REGISTRY/RELEASE VERSION`.",
    "has_aliases": "`--aliases` deletes it with them.",
    "promotion_decided": "`pinakes releases promotions` shows how it ended.",
    "type_not_accepted": "`pinakes registries update ORG/REGISTRY --type …` lets a registry accept more types.",
    "wrong_content": "Repeat: what was wrong is fetched anew.",
    "title_taken": "Use that collection (`--exists-ok` answers with it), or choose another title.",
    "name_taken": "Choose another name.",
    "already_in_collection": "`--exists-ok` takes that for done.",
    "nothing_to_undo": "`pinakes history COLLECTION` shows what happened.",
    "idempotency_mismatch": "The file or the options changed since the call that this key is of: leave --key out.",
    "precondition_failed": "Look at it again (`pinakes collections show COLLECTION`), then repeat with its revision.",
    "too_large": "Send less at once; `pinakes import` streams up to a million lines.",
    "took_too_long": "Ask for less at once: a narrower filter, fewer items.",
    "too_many_requests": "Wait a little, then repeat.",
    "shutting_down": "Wait a little, then repeat: the server stops, or is started anew.",
    "unavailable": "Wait a little, then repeat; nothing was changed.",
    "unreachable": "Is the server running, and is the URL right? `pinakes login --url …` saves another.",
    "timeout": "Repeat; if it stays like this, ask who runs the server.",
    "connection_lost": "Repeat: what was done already is not done twice.",
    "unexpected_answer": "Is this the URL of a Pinakes server? `pinakes login --url …` saves another.",
    "missing_part": "Install what it names, then repeat.",
}


def explain(error: PinakesError, *, json: bool = False) -> int:
    """Say on stderr what went wrong and what to type next, and return the exit status."""
    hint = hint_for(error)
    if json:
        import orjson

        facts = {
            "code": error.code,
            "message": error.message,
            "field": error.field,
            "details": error.details,
            "request_id": error.request_id,
            "hint": hint,
        }
        print(orjson.dumps({"error": facts}, default=str).decode(), file=sys.stderr)
        return status_of(error)
    from pinakes.cli.output import say

    say(f"pinakes: {error.message}")
    slug = error.details.get("slug")
    if slug and str(slug) not in error.message:
        say(f"  there is {slug}")
    if hint:
        say(f"  {hint}")
    if error.request_id and status_of(error) == FAILED:
        say(f"  The server's log knows it as request {error.request_id}.")
    return status_of(error)


def hint_for(error: PinakesError) -> str:
    """Return what to type next."""
    if error.code == "forbidden":
        return _of_a_role(error.details.get("permission"))
    return HINTS.get(error.code, "")


def _of_a_role(permission: object) -> str:
    """Say who could give a permission: nobody where none would help (a wrong password, another's vote)."""
    if permission == SERVER_MANAGE:
        return "Ask who runs this server, or use an administrator's token: `pinakes login`."
    return HINTS["forbidden"] if permission is not None else ""


def status_of(error: PinakesError) -> int:
    """Return the exit status of an error: that of the nearest class that has one."""
    return next((STATUSES[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in STATUSES), FAILED)
