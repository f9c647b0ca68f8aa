"""`python -m bench`: load the data, measure the workloads, print the table and write `docs/benchmarks.md`."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

import structlog

from bench import report
from bench.label_workloads import LABEL_WORKLOADS
from bench.measure import Outcome, measure
from bench.mlflow_peer import Missing
from bench.release_workloads import RELEASE_WORKLOADS
from bench.sizes import FULL, HUGE, QUICK
from bench.stage import stage
from bench.workloads import WORKLOADS, Loop, Workload

ALL = [*WORKLOADS, *RELEASE_WORKLOADS, *LABEL_WORKLOADS]


def main() -> int:
    """Run what the command line asks for."""
    # What migrating says is no result: it goes where the hints go.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asked = _arguments()
    if asked.list:
        for work in ALL:
            print(f"{work.number:4} {work.title}")
        return 0
    chosen = [work for work in ALL if not asked.only or _matches(work, asked.only)]
    if not chosen:
        print(f"No workload has a number like {', '.join(asked.only)}; --list shows them.", file=sys.stderr)
        return 2
    sizes = QUICK if asked.quick else HUGE if asked.huge else FULL
    changes = {name: value for name in ("rounds", "seconds") if (value := getattr(asked, name)) is not None}
    sizes = dataclasses.replace(sizes, **changes)
    print("Loading the data ...", flush=True)
    outcomes: list[Outcome] = []
    peers = {work.peer.of for work in chosen if isinstance(work, Loop) and work.peer}
    with stage(sizes, asked.data, peers=peers) as ready:
        missing = {name: peer.why for name in sorted(peers) if isinstance(peer := ready.peers[name], Missing)}
        for work in chosen:
            outcomes.append(measure(ready, work))
            print("  ".join(report.row(outcomes[-1])), flush=True)
    report.show(outcomes, missing)
    if not (asked.quick or asked.only):
        report.write(outcomes, sizes, missing)
        print(f"Written to {report.PAGE}")
    return 0


def _matches(work: Workload, numbers: list[str]) -> bool:
    return any(work.number == number or work.number.rstrip("abcde") == number for number in numbers)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small data and short rounds: does it still work?")
    parser.add_argument("--huge", action="store_true", help="with a collection of ten million")
    parser.add_argument("--only", action="append", metavar="N", help="only this workload (2) or one of it (1a)")
    parser.add_argument("--list", action="store_true", help="list the workloads")
    parser.add_argument("--rounds", type=int, help="how often the sides take turns")
    parser.add_argument("--seconds", type=float, help="how long a turn takes")
    parser.add_argument("--data", type=Path, help="keep the loaded data in this folder, for the next time")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
