"""Document H, the client's own guide to collections, run line by line as it stands; only names are ours."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from huggingface_hub.utils import HfHubHTTPError

from clients.huggingface.hub import Hub, Person, unique

HERE = Path(__file__).parent


class Walk:
    """One walk through the guide: who took it, where it went, what was printed."""

    def __init__(self, hub: Hub) -> None:
        self.bloke = hub.person("TheBloke")
        self.omar = hub.person("osanseviero")
        self.owners = {name: hub.organization(name, admin=self.omar) for name in ("coqui", "warp-ai", "lmsys")}
        for name, kind in (
            (f"{self.owners['coqui']}/xtts", "space"),
            (f"{self.owners['warp-ai']}/wuerstchen", "model"),
            (f"{self.owners['warp-ai']}/wuerstchen", "space"),
            (f"{self.owners['lmsys']}/lmsys-chat-1m", "dataset"),
        ):
            sdk = "gradio" if kind == "space" else None
            self.omar.api.create_repo(name, repo_type=kind, space_sdk=sdk)
        self.recent = self._recent_models(self.bloke)
        names = {
            "TheBloke/recent-models-64f9a55bb3115b4f513ec026": self.recent,
            "osanseviero": self.omar.name,
            "coqui/": f"{self.owners['coqui']}/",
            "warp-ai/": f"{self.owners['warp-ai']}/",
            "lmsys/": f"{self.owners['lmsys']}/",
            "username/": f"{self.omar.name}/",
        }
        printed = self.omar.python(str(HERE / "walk_guide.py"), str(HERE / "guide.md"), json.dumps(names))
        self.said: list[tuple[str, str]] = [(source, value) for source, value in json.loads(printed)]

    def value(self, source: str, number: int = 0) -> str:
        """What an expression of the guide evaluated to, as it would be printed."""
        return [value for said, value in self.said if said.startswith(source)][number]

    @staticmethod
    def _recent_models(person: Person) -> str:
        made = person.api.create_collection("Recent models", description="Models I've recently quantized.")
        person.api.update_collection_metadata(made.slug, theme="green")
        awq = f"{person.name}/U-Amethyst-20B-AWQ"
        person.api.create_repo(awq)
        person.api.add_collection_item(made.slug, awq, "model")
        return made.slug


@pytest.fixture(scope="module")
def walk(hub: Hub) -> Walk:
    return Walk(hub)


def test_fetching(walk: Walk) -> None:
    """H-04, H-05, H-06, H-08, H-09, H-16, H-20, H-22: `get_collection` of somebody else's, and what it prints."""
    collection = walk.value("collection")
    assert re.fullmatch(f"{walk.bloke.name}/recent-models-[0-9a-f]{{24}}", walk.recent)
    assert f"slug='{walk.recent}'" in collection
    assert "title='Recent models'" in collection
    assert f"owner='{walk.bloke.name}'" in collection
    assert "theme='green'" in collection
    assert "upvotes=0" in collection
    assert "private=False" in collection
    assert "tzinfo=datetime.timezone.utc" in collection
    assert 'description="Models I\'ve recently quantized."' in collection
    item = walk.value("collection.items[0]")
    assert re.search("item_object_id='[0-9a-f]{24}'", item)
    assert "position=0" in item
    assert f"item_id='{walk.bloke.name}/U-Amethyst-20B-AWQ'" in item
    assert "item_type='model'" in item
    assert "note=None" in item


def test_creating(walk: Walk) -> None:
    """H-26, H-30, H-31, H-32, H-33: `create_collection`, the four attributes that the guide prints, and the rest."""
    slug = walk.value("collection.slug")
    assert slug.startswith(f"'{walk.omar.name}/iccv-2023-")
    assert walk.value("collection.title") == "'ICCV 2023'"
    assert walk.value("collection.owner") == f"'{walk.omar.name}'"
    assert walk.value("collection.url") == f"'{walk.omar.url}/collections/{slug[1:]}"
    made = walk.omar.api.get_collection(slug[1:-1])
    assert made.description == "Portfolio of models, papers and demos I presented at ICCV 2023"
    assert made.items == []


def test_adding_noting_reordering_and_removing(walk: Walk) -> None:
    """H-27, H-28, H-34 to H-37, H-39, H-40, H-43 to H-50: the collection of the open-source week, after all of it."""
    slug = walk.value("collection.slug", 1)[1:-1]
    assert slug.startswith(f"{walk.omar.name}/os-week-highlights-sept-18-24-")
    collection = walk.omar.api.get_collection(slug)
    assert (collection.title, collection.owner) == ("OS Week Highlights - Sept 18 - 24", walk.omar.name)
    assert collection.description is None
    wuerstchen = f"{walk.owners['warp-ai']}/wuerstchen"
    assert [(item.item_type, item.item_id, item.note) for item in collection.items] == [
        (
            "model",
            wuerstchen,
            "Würstchen is a new fast and efficient high resolution text-to-image architecture and model",
        ),
        ("space", wuerstchen, None),
        (
            "dataset",
            f"{walk.owners['lmsys']}/lmsys-chat-1m",
            "This dataset contains one million real-world conversations with 25 state-of-the-art LLMs.",
        ),
    ]


def test_deleting(walk: Walk) -> None:
    """H-51, H-53: the guide's last line deletes what is not there, and is content: the walk came to its end.

    So does the same line when there is something to delete, and when it is run again.
    """
    assert walk.said[-1][0].startswith("delete_collection_item(")
    slug = walk.omar.api.create_collection(unique("Useless collection")).slug
    script = f"from huggingface_hub import delete_collection; collection = delete_collection({slug!r}, missing_ok=True)"
    for _ in range(2):
        walk.omar.python("-c", script)
        assert slug not in {found.slug for found in walk.omar.api.list_collections(owner=walk.omar.name)}
        with pytest.raises(HfHubHTTPError) as gone:
            walk.omar.api.get_collection(slug)
        assert gone.value.response.status_code == 404
