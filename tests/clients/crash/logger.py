"""The client's process: logs versions until it is told to stop, and says each one that it has."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import wandb


def main(entity: str, project: str, folder: str) -> None:
    """Log one version after the other as long as there is no file `stop`; a line for each that is complete."""
    files = [Path(folder) / f"{n}.bin" for n in range(4)]
    turn = 0
    with wandb.init(entity=entity, project=project) as run:
        while not (Path(folder) / "stop").exists():
            turn += 1
            made = wandb.Artifact("steady", "dataset", metadata={"turn": turn})
            for file in files:
                file.write_bytes(os.urandom(random.randint(1, 8_000_000)))
                made.add_file(str(file), skip_cache=True)
            with made.new_file("turn") as small:
                small.write(str(turn))
            logged = run.log_artifact(made, aliases=[f"turn-{turn}"]).wait()
            sys.stdout.write(f"{logged.version} {logged.digest}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
