"""Mine a classifier's failures on real images, and have them labeled: the third part of `make demo`.

    python examples/demo/mining.py --url http://127.0.0.1:8080 --token pinakes_…

The 1,797 handwritten digits that come with scikit-learn become images of a project, with the photographs that
scikit-learn and scikit-image carry. A plain classifier learns from one half; what it reads wrong in the other, and each
digit that it is sure to see on a photograph, goes into one collection. The queue on that collection feeds two labelers
and a reviewer, who work with the unmodified `supervisely` client where its environment is there. What was accepted is
frozen, logged as a version of a data set with the `wandb` client, and linked into the registry.

The token is an administrator's, on a server that `fill.py` and `releases.py` have filled. Where the project is there
already, nothing is done.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import skimage
from fill import Native, Refused
from releases import ORGANIZATION, REGISTRY, TEAM, client_of
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from skimage import io as pictures
from skimage.color import rgb2gray
from skimage.transform import resize
from sklearn import datasets
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB

import pinakes

PROJECT = "misread-digits"
COLLECTION = "Misread digits"
TARGET = f"{ORGANIZATION}/wandb-registry-{REGISTRY}/{COLLECTION}"
LABELERS = Path(__file__).with_name("labelers.py")
SUPERVISELY = Path(__file__).parents[2] / ".clients" / "supervisely-6.74" / "bin" / "python"
PEOPLE = {
    "theon": ("Theon of Alexandria", "annotator"),
    "pandrosion": ("Pandrosion of Alexandria", "annotator"),
    "aristarchus": ("Aristarchus of Samothrace", "reviewer"),
}
PHOTOGRAPHS = (
    "astronaut.png", "brick.png", "camera.png", "cell.png", "chelsea.png", "coffee.png", "coins.png", "grass.png",
    "gravel.png", "hubble_deep_field.jpg", "ihc.png", "moon.png", "motorcycle_left.png", "page.png", "retina.jpg",
    "rocket.jpg",
)  # fmt: skip
ENLARGED = 8  # a pixel of the eight by eight becomes so many
SURE = 0.9


@dataclass(slots=True)
class Image:
    """An image in a folder, what is on it, and what the classifier read."""

    path: Path
    digit: int | None
    size: tuple[int, int]
    box: tuple[int, int, int, int] = (0, 0, 0, 0)
    misread: int | None = None
    score: float = 0.0


@dataclass(slots=True)
class Mined:
    """What became of it."""

    images: int
    wrong: int
    rejected: int
    labeled: Counter[str]
    with_supervisely: bool
    version: str
    collection: str


@dataclass(slots=True)
class Miner:
    """Does all of it, step by step, and tells how far it is."""

    native: Native
    url: str
    folder: Path
    bars: Progress
    password: str | None = None
    tokens: dict[str, str] = field(default_factory=dict)

    def run(self) -> Mined:
        """From images to a version in the registry."""
        images = draw(self.folder)
        with ExitStack() as lent:
            self.tokens = {name: lent.enter_context(self.native.token_of(name)) for name in ("hypatia", *self.people())}
            with pinakes.connect(self.url, self.tokens["hypatia"]) as client:
                wrong = self.upload(client, images)
                collection, queue = self.collect(client, wrong)
                told = self.label(client, queue, wrong)
                frozen = self.freeze(client, queue)
                version = self.release(client, frozen)
        labeled = Counter({name: count for (verb, name), count in told.items() if verb == "labeled"})
        rejected = sum(count for (verb, _), count in told.items() if verb == "rejected")
        return Mined(len(images), len(wrong), rejected, labeled, SUPERVISELY.exists(), version, collection)

    def people(self) -> list[str]:
        """Make the labelers and the reviewer, and give them their parts; return their names."""
        for name, (title, role) in PEOPLE.items():
            body = {"name": name, "display_name": title}
            if self.password is not None:
                body["password"] = self.password
            self.native.send("POST", "/users", body, exists_ok=True)
            for group in (f"/organizations/{ORGANIZATION}", f"/teams/{TEAM}"):
                self.native.send("PUT", f"{group}/members/{name}", {"role": role})
        return list(PEOPLE)

    def upload(self, client: Any, images: list[Image]) -> dict[int, Image]:  # noqa: ANN401 - either client's nouns
        """Make the project and send every image; return what the classifier got wrong, by number."""
        project = client.projects.create(f"{TEAM}/{PROJECT}", data_type="images")
        client.labels.add_class(project, "digit", shape="rectangle", color="#1F77B4")
        client.labels.add_tag(project, "reads", value_type="any_number")
        client.labels.add_tag(project, "no digit")
        bar = self.bars.add_task("Sending images", total=len(images))
        by_path: dict[tuple[str, str], int] = {}
        for name in sorted({image.path.parent.name for image in images}):
            before = self.bars.tasks[bar].completed
            dataset = client.datasets.create(project, name)
            told = self.teller(bar, before)
            done = client.media.upload(dataset, self.folder / name, progress=lambda now, told=told: told(now.done))
            if done.refused:
                message = f"{done.refused} images were refused: {done.problems[:3]}"
                raise Refused(message)
            by_path |= {(name, each.name): each.id for each in client.media.list(dataset=dataset, page_size=1000)}
        self.bars.update(bar, completed=len(images))
        return {by_path[each.path.parent.name, each.path.name]: each for each in images if each.misread is not None}

    def teller(self, bar: TaskID, before: float) -> Callable[[int], None]:
        """Move a bar as far as a part of the work is."""
        return lambda done: self.bars.update(bar, completed=before + done)

    def collect(self, client: Any, wrong: dict[int, Image]) -> tuple[str, int]:  # noqa: ANN401
        """Make an empty collection, the queue on it, and then put all of them in, in one call, with scores."""
        made = client.collections.create_selection(
            f"{TEAM}/{PROJECT}", "False positives", description="What the classifier was wrong about, and how sure."
        )
        parts: dict[str, list[str]] = {"annotator": [], "reviewer": []}
        for name, (_, role) in PEOPLE.items():
            parts[role].append(name)
        queue = client.queues.create(
            "Relabel", collection=made, labelers=parts["annotator"], reviewers=parts["reviewer"],
            description="Which digit is it, and where? Say so when there is none.",
            settings={"classes": ["digit"], "tags": ["reads", "no digit"]},
        )  # fmt: skip
        worst_first = sorted(wrong, key=lambda number: -wrong[number].score)
        client.collections.add(made, [pinakes.item(number, score=wrong[number].score) for number in worst_first])
        return made.slug, queue.id

    def label(self, client: Any, queue: int, wrong: dict[int, Image]) -> Counter[tuple[str, str]]:  # noqa: ANN401
        """Let everybody work until all is accepted; return how often who did what."""
        jobs = [
            {"name": each.user, "job": each.job, "part": each.part, "token": self.tokens[each.user]}
            for each in client.queues.get(queue).people
        ]
        truth = {
            number: {"digit": each.digit, "misread": each.misread, "box": each.box, "size": each.size}
            for number, each in wrong.items()
        }
        plan = {"url": self.url, "queue": queue, "people": jobs, "truth": truth}
        python = SUPERVISELY if SUPERVISELY.exists() else Path(sys.executable)
        bar = self.bars.add_task("Labeling and review", total=len(wrong))
        told: Counter[tuple[str, str]] = Counter()
        with subprocess.Popen([python, LABELERS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as work:
            assert work.stdin is not None
            assert work.stdout is not None
            json.dump(plan, work.stdin, default=int)
            work.stdin.close()
            for line in work.stdout:
                verb, _, name = line.strip().partition(" ")
                told[verb, name] += 1
                self.bars.update(bar, advance=verb == "accepted")
        if work.returncode != 0:
            message = "the labelers could not finish"
            raise Refused(message)
        client.queues.set_status(queue, "completed")
        return told

    def freeze(self, client: Any, queue: int) -> Any:  # noqa: ANN401
        """Make a collection that follows what is accepted, and a copy of it that stays as it is now."""
        live = client.collections.create_selection(
            f"{TEAM}/{PROJECT}", "Accepted", description="Whatever the queue's reviewer accepted, at any moment."
        )
        client.collections.make_live(live, f"queue:{queue}=accepted", sort="id")
        return client.collections.freeze(live, title="Accepted in the first round")

    def release(self, client: Any, frozen: Any) -> str:  # noqa: ANN401
        """Log the frozen collection with its labels, say what it was made of, and link it into the registry."""
        packed, folder = self.folder / "export.zip", self.folder / "export"
        client.exports.labels(packed, collection=frozen.slug, format="coco")
        with zipfile.ZipFile(packed) as export:
            export.extractall(folder)
        made_of = {"collection": frozen.id, "revision": frozen.revision}
        with (
            client_of(self.url, self.tokens["hypatia"]) as wandb,
            wandb.init(entity=TEAM, project=PROJECT, job_type="freeze") as run,
        ):
            artifact = wandb.Artifact("misread-digits", type="dataset", metadata={"pinakes": made_of})
            artifact.add_dir(str(folder))
            return run.link_artifact(run.log_artifact(artifact).wait(), TARGET).version


def draw(folder: Path) -> list[Image]:
    """Write all images into folders, which become datasets, and have a classifier read them."""
    digits: Any = datasets.load_digits()
    halves = train_test_split(np.arange(len(digits.data)), test_size=0.5, random_state=17, stratify=digits.target)
    model = GaussianNB().fit(digits.data[halves[0]], digits.target[halves[0]])
    images: list[Image] = []
    for name, half in zip(("training", "test"), halves, strict=True):
        (folder / name).mkdir()
        for number in half:
            image = written(folder / name / f"digit-{number:04}.png", digits.images[number], int(digits.target[number]))
            if name == "test":
                judge(model, image, digits.data[number])
            images.append(image)
    (folder / "photographs").mkdir()
    places = [Path(skimage.__file__).parent / "data" / name for name in PHOTOGRAPHS]
    for place in [*places, *sorted((Path(datasets.__file__).parent / "images").glob("*.jpg"))]:
        path, pixels = folder / "photographs" / place.name, pictures.imread(place)
        if path.suffix == ".png":  # without the colour profiles in them, some of which are broken
            pictures.imsave(path, pixels, check_contrast=False)
        else:
            shutil.copy(place, path)
        gray = rgb2gray(pixels[..., :3]) if pixels.ndim > 2 else pixels / 255
        image = Image(path, None, (pixels.shape[0], pixels.shape[1]))
        judge(model, image, resize(1 - gray, (8, 8)).ravel() * 16)
        images.append(image)
    return images


def written(path: Path, pixels: Any, digit: int) -> Image:  # noqa: ANN401 - an array
    """Write a digit, dark on white, and find where its ink is."""
    large = np.kron(pixels, np.ones((ENLARGED, ENLARGED)))
    pictures.imsave(path, (255 - large * 255 / 16).astype(np.uint8), check_contrast=False)
    rows, columns = np.nonzero(large)
    box = (int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max()))
    return Image(path, digit, (large.shape[0], large.shape[1]), box)


def judge(model: GaussianNB, image: Image, pixels: Any) -> None:  # noqa: ANN401 - an array
    """Note what the classifier reads on an image where it is wrong; on a photograph, where it is sure."""
    chances = model.predict_proba(pixels.reshape(1, -1))[0]
    read, score = int(chances.argmax()), float(chances.max())
    if read != image.digit and (image.digit is not None or score >= SURE):
        image.misread, image.score = read, score


def mine(native: Native, url: str, password: str | None = None) -> Mined | None:
    """Do all of it, with progress on stderr; None when it was done before."""
    try:
        native.send("GET", f"/projects/{TEAM}/{PROJECT}")
    except Refused:
        pass
    else:
        return None
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        tempfile.TemporaryDirectory(prefix="pinakes-demo-") as folder,
        Progress(*columns, console=Console(stderr=True), transient=True) as bars,
    ):
        return Miner(native, url, Path(folder), bars, password).run()


def show(mined: Mined, url: str) -> None:
    """Print what was made, and what to ask."""
    by = ", ".join(f"{name} {count}" for name, count in sorted(mined.labeled.items()))
    client = "the supervisely client" if mined.with_supervisely else "our own client (that of supervisely is not there)"
    print(f"""
{mined.images:,} images; the classifier was wrong about {mined.wrong}. Labeled with {client}: {by};
{mined.rejected} came back from review. All accepted, frozen, and released as {COLLECTION}:{mined.version}.

export PINAKES_URL={url} PINAKES_TOKEN=…
pinakes items ls {mined.collection}
pinakes releases ls "{ORGANIZATION}/{REGISTRY}"
""")


def main() -> int:
    """Read the arguments, mine, and say what there is."""
    parser = argparse.ArgumentParser(description="Mine a classifier's failures and have them labeled.")
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--token", help="an administrator's token")
    parser.add_argument("--token-file", type=Path, help="the file that holds it")
    parser.add_argument("--password", help="for the people who are made; without it they can't sign in to the web")
    options = parser.parse_args()
    url = options.url.rstrip("/")
    token = options.token or (options.token_file and options.token_file.read_text(encoding="utf-8").strip())
    if not token:
        print("Give an administrator's token: --token or --token-file.", file=sys.stderr)
        return 2
    try:
        mined = mine(Native(url, token), url, options.password)
    except (Refused, pinakes.PinakesError, httpx2.TransportError) as error:
        print(f"mining: {url}: {error}", file=sys.stderr)
        return 1
    if mined is not None:
        show(mined, url)
    return 0


if __name__ == "__main__":
    sys.exit(main())
