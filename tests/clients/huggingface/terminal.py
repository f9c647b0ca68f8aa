"""A terminal for `hf`: the command line is loaded once, and every command runs in a process forked from there.

Loading it takes longer than most commands. Reads a command a line, `{"arguments": [...], "token": "..."}`, and answers
`{"status": 0, "out": "...", "err": "..."}`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from importlib import import_module

from huggingface_hub.cli.hf import main

# Some releases load these only when they are needed.
for _name in ("collections", "datasets", "models", "papers", "repos", "spaces"):
    import_module(f"huggingface_hub.cli.{_name}")


def run(arguments: list[str], token: str) -> dict[str, object]:
    """Run one command in a process of its own."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = os.fork()
        if child == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            os._exit(_command(arguments, token))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out.seek(0)
        err.seek(0)
        return {"status": status, "out": out.read(), "err": err.read()}


def _command(arguments: list[str], token: str) -> int:
    sys.argv = ["hf", *arguments]
    os.environ["HF_TOKEN"] = token
    status: object = 0
    try:
        main()
    except SystemExit as end:
        status = end.code
    except BaseException:  # noqa: BLE001 - whatever it is, the test shall read of it
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return status if isinstance(status, int) else int(status is not None)


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(run(**json.loads(line))) + "\n")
        sys.stdout.flush()
