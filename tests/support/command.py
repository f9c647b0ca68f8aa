"""The command `pinakes`, run to its end as people run it: by its arguments, files and environment."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.parting import Parted, Streams

PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


def run(
    arguments: Sequence[object], environment: Mapping[str, str], *, folder: Path | None = None, stdin: str = ""
) -> Done:
    """Run a command to its end, for at most `PATIENCE` seconds."""
    with tempfile.TemporaryDirectory(prefix="pinakes-command-") as name:
        streams = Streams(*(Path(name) / stream for stream in ("in", "out", "err")))
        streams.stdin.write_text(stdin)
        process = Parted(arguments, environment, streams, folder=folder)
        try:
            status = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        said = [stream.read_text() if stream.exists() else "" for stream in (streams.stdout, streams.stderr)]
        process.close()
    return Done(status, *said)
