"""MLflow 3 beside ours, where it is installed: its registry, over REST, with PostgreSQL, and the same data.

`BENCH_MLFLOW` names the Python that has it (`pip install mlflow psycopg2-binary`), else it is looked for in our own. It
gets the settings that suit it best: two uvicorn workers with uvloop and httptools. Its rows, too, are made by SQL.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.release_data import TAGS, Releases

API = "/api/2.0/mlflow"
LONG, SHORT = "long", "short"
ABOUT = "What came of training on the digits; see the card for its settings and what it is good for. " * 5

_LOOK = """
import importlib.util as look
driver = next((name for name in ("psycopg2", "psycopg") if look.find_spec(name)), "")
if look.find_spec("mlflow") and driver:
    from mlflow.version import VERSION
    print(VERSION, driver)
"""

_MODELS = """
insert into registered_models (workspace, name, creation_time, last_updated_time, description)
select 'default', n, %(now)s, %(now)s - m.turn * 60000, %(about)s
from unnest(%(names)s::text []) with ordinality as m (n, turn);

insert into registered_model_tags (workspace, name, key, value)
select 'default', 'net-' || n, t.key, (n / t.step %% %(tags)s)::text
from generate_series(0, %(count)s - 1) as n
cross join (values ('theme', 1), ('stage', %(tags)s)) as t (key, step);

insert into model_versions (
    workspace, name, version, creation_time, last_updated_time, description, source, current_stage, status
)
select
    'default', m.name, v, %(now)s, %(now)s, 'Trained on the digits, all of them.', 's3://models/' || m.name || '/' || v,
    'None', 'READY'
from registered_models as m
cross join lateral generate_series(
    1, case m.name when 'long' then %(long)s when 'short' then %(short)s else 2 end
) as v;

insert into registered_model_aliases (workspace, name, alias, version)
select 'default', m.name, 'production', 1 from registered_models as m;
"""


@dataclass(frozen=True, slots=True)
class Missing:
    """Why MLflow is not measured."""

    why: str


@dataclass(frozen=True, slots=True)
class Found:
    """A Python that has MLflow, and a driver for PostgreSQL."""

    python: str
    version: str
    driver: str

    def command(self, port: int, workers: int, database: str, artifacts: Path) -> list[str]:
        """Return what starts its server."""
        store = database.replace("postgresql://", f"postgresql+{self.driver}://")
        options = ["--host", "127.0.0.1", "--port", str(port), "--workers", str(workers)]
        uvicorn = "--loop uvloop --http httptools --no-access-log --log-level warning"
        stores = ["--backend-store-uri", store, "--default-artifact-root", str(artifacts)]
        return [self.python, "-m", "mlflow", "server", *options, *stores, "--uvicorn-opts", uvicorn]

    def environment(self) -> dict[str, str]:
        """Return its environment: ours, without what is meant for our own Python."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PINAKES_", "PYTHON"))}
        folder = str(Path(self.python).parent)
        quiet = {
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }
        return {**kept, **quiet, "PATH": f"{folder}:{kept.get('PATH', '')}"}


def find() -> Found | Missing:
    """Look for it."""
    python = os.environ.get("BENCH_MLFLOW", sys.executable)
    try:
        looked = subprocess.run([python, "-c", _LOOK], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Missing(f"BENCH_MLFLOW={python} can't be run: {error}")
    words = looked.stdout.split()
    if len(words) != 2:
        return Missing("MLflow is not installed (or no psycopg beside it): let BENCH_MLFLOW name a Python that has it")
    return Found(python, *words)


def load(url: str, marks: Releases) -> None:
    """Fill its tables, which it has made when it started, as ours are filled."""
    count = len(marks.small)
    values = {
        "names": [*(f"net-{n}" for n in range(count)), LONG, SHORT],
        "now": int(time.time() * 1000),
        "about": ABOUT,
        "tags": TAGS,
        "count": count,
        "long": len(marks.long.versions),
        "short": 10,
    }
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in _MODELS.split(";\n"):
            if statement.strip():
                connection.execute(statement, values)  # pyright: ignore[reportArgumentType] - constants of this file
        connection.execute("vacuum (analyze, parallel 0)")
