"""Train a small real model with the real `wandb` client, and release it: the second half of `make demo`.

    python examples/demo/releases.py --url http://127.0.0.1:8080 --token pinakes_…

The data are the 1,797 images of handwritten digits that come with scikit-learn. Hypatia logs them as a dataset and
trains three models on them; each version is linked to the collection "MNIST" of the registry "Fine-tuned models", and
the best becomes `production`, an alias that only the registry's admins may move: Callimachus does. The token is an
administrator's. Running it again trains nothing anew: a version with the same content is the same version.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from fill import Native, Refused
from joblib import dump
from rich.console import Console
from rich.table import Table
from sklearn.base import ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

ORGANIZATION = "alexandria"
TEAM = "alexandria-digits"
PROJECT = "handwriting"
REGISTRY = "Fine-tuned models"
COLLECTION = "MNIST"
TARGET = f"{ORGANIZATION}/wandb-registry-{REGISTRY}/{COLLECTION}"

# What is tried, from the plainest to the best; the settings go into the run's config.
CANDIDATES: tuple[tuple[str, type[ClassifierMixin], dict[str, Any]], ...] = (
    ("logistic regression", LogisticRegression, {"C": 0.05, "max_iter": 1000}),
    ("nearest neighbours", KNeighborsClassifier, {"n_neighbors": 3}),
    ("support vectors", SVC, {"C": 10.0, "gamma": 0.001}),
)


@dataclass(frozen=True, slots=True)
class Trained:
    """A model as it was released: its number in the registry's collection, and how many digits it gets right."""

    name: str
    accuracy: float
    version: str


def prepare(native: Native) -> None:
    """Make the team and the registry; what is there stays as it is."""
    native.send("POST", f"/organizations/{ORGANIZATION}/teams", {"name": TEAM}, exists_ok=True)
    native.send("PUT", f"/teams/{TEAM}/members/hypatia", {"role": "member"})
    body = {"name": REGISTRY, "description": "What may go to the readers' desks.", "types": ["model", "dataset"]}
    native.send("POST", f"/organizations/{ORGANIZATION}/registries", body, exists_ok=True)


@contextmanager
def client_of(url: str, token: str) -> Generator[Any]:
    """Set the unmodified client up for this server and a user, with folders that go with it."""
    with tempfile.TemporaryDirectory(prefix="pinakes-demo-") as folder:
        os.environ |= {
            "WANDB_BASE_URL": url,
            "WANDB_API_KEY": token,
            "WANDB_DIR": folder,
            "WANDB_CACHE_DIR": f"{folder}/cache",
            "WANDB_DATA_DIR": f"{folder}/data",
            "WANDB_CONFIG_DIR": f"{folder}/config",
            "WANDB_SILENT": "true",
            "WANDB_ERROR_REPORTING": "false",
        }
        import wandb

        yield wandb
        wandb.teardown()


def log_digits(wandb: Any, folder: Path) -> Any:  # noqa: ANN401 - the client's own types are loose
    """Log the images, halved into training and test, as a dataset."""
    digits: Any = load_digits()
    halves = train_test_split(digits.data, digits.target, test_size=0.5, random_state=17, stratify=digits.target)
    file = folder / "digits.npz"
    np.savez(file, **dict(zip(("x_train", "x_test", "y_train", "y_test"), halves, strict=True)))
    with wandb.init(entity=TEAM, project=PROJECT, job_type="prepare") as run:
        artifact = wandb.Artifact("digits", type="dataset", metadata={"images": len(digits.images), "source": "UCI ML"})
        artifact.add_file(str(file))
        return run.log_artifact(artifact).wait()


def train(wandb: Any, folder: Path, name: str, kind: type[ClassifierMixin], settings: dict[str, Any]) -> Trained:  # noqa: ANN401
    """Train one model on the logged digits, log it, and link it into the registry."""
    with wandb.init(entity=TEAM, project=PROJECT, job_type="train", config={"model": name, **settings}) as run:
        data = np.load(Path(run.use_artifact("digits:latest").download(root=str(folder / "digits"))) / "digits.npz")
        model: Any = kind(**settings)
        model.fit(data["x_train"], data["y_train"])
        accuracy = float(model.score(data["x_test"], data["y_test"]))
        run.log({"accuracy": accuracy})
        file = folder / "model.joblib"
        dump(model, file)
        artifact = wandb.Artifact("digit-reader", type="model", metadata={"model": name, "accuracy": accuracy})
        artifact.add_file(str(file))
        linked = run.link_artifact(artifact, TARGET)
    return Trained(name, accuracy, linked.version)


def promote(native: Native, url: str, best: Trained) -> None:
    """Protect `production` and let the organization's admin put it on the best model."""
    registry = f"/organizations/{ORGANIZATION}/registries/{REGISTRY}"
    native.send("PUT", f"{registry}/protected-aliases/production", {})
    with native.token_of("callimachus") as token, client_of(url, token) as wandb:
        version = wandb.Api().artifact(f"{TARGET}:{best.version}")
        if "production" not in version.aliases:
            version.aliases.append("production")
            version.save()


def release(native: Native, url: str) -> list[Trained]:
    """Do all of it; return the models."""
    prepare(native)
    with native.token_of("hypatia") as token, client_of(url, token) as wandb, tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        log_digits(wandb, folder)
        trained = [train(wandb, folder, *candidate) for candidate in CANDIDATES]
    promote(native, url, max(trained, key=lambda model: model.accuracy))
    return trained


def show(trained: list[Trained], url: str) -> None:
    """Print what was released, and what to ask."""
    rows = Table("Model", "Digits read right", "Version", box=None, header_style="bold")
    rows.columns[1].justify = "right"
    for model in trained:
        rows.add_row(model.name, f"{model.accuracy:.1%}", f"{COLLECTION}:{model.version}")
    console = Console(width=max(Console().width, 120), soft_wrap=True)
    console.print(rows)
    print(f"""
export WANDB_BASE_URL={url} WANDB_API_KEY=…
wandb artifact get "{TARGET}:production"

pinakes releases ls "{ORGANIZATION}/{REGISTRY}"
pinakes releases alias-at "{ORGANIZATION}/{REGISTRY}/{COLLECTION}" production
""")


def main() -> int:
    """Read the arguments, train, release, and say what there is."""
    parser = argparse.ArgumentParser(description="Train and release a small model on a running Pinakes.")
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--token", help="an administrator's token")
    parser.add_argument("--token-file", type=Path, help="the file that holds it")
    options = parser.parse_args()
    url = options.url.rstrip("/")
    token = options.token or (options.token_file and options.token_file.read_text(encoding="utf-8").strip())
    if not token:
        print("Give an administrator's token: --token or --token-file.", file=sys.stderr)
        return 2
    try:
        show(release(Native(url, token), url), url)
    except (Refused, httpx2.TransportError) as error:
        print(f"releases: {url}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
