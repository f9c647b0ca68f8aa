"""Versions that are changed, deleted, and asked where they come from and what became of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
import wandb
from wandb.errors import CommError

from clients.wandb.lab import Desk, unique, version
from clients.wandb.making import Refused, artifact, contents, maker


def log(desk: Desk, name: str = "data", count: int = 1, **given: object) -> None:
    """Log versions, each of content that nobody has."""
    with desk.init() as run:
        for _ in range(count):
            run.log_artifact(artifact(name, files={"x": unique("x")}, **given)).wait()


class TestEditing:
    def test_what_is_said_of_a_version_can_be_changed(self, spot: Desk):
        log(spot, description="before", metadata={"a": 1, "gone": True})
        found = spot.api().artifact(f"{spot.path}/data:v0")
        found.description = "after"
        found.metadata["a"] = 2
        found.metadata.pop("gone")
        found.metadata["nested"] = {"list": [1, 2], "nan": float("nan")}
        found.tags = ["one", "two words"]
        found.ttl = timedelta(hours=1)
        found.save()
        again = spot.api().artifact(f"{spot.path}/data:v0")
        assert again.description == "after"
        assert again.metadata == {"a": 2, "nested": {"list": [1, 2], "nan": None}}
        assert sorted(again.tags) == ["one", "two words"]
        assert again.ttl == timedelta(hours=1)
        again.tags.remove("one")
        again.tags.append("three")
        again.description = ""
        again.save()
        assert sorted(again.tags) == ["three", "two words"]
        last = spot.api().artifact(f"{spot.path}/data:v0")
        assert sorted(last.tags) == ["three", "two words"]
        assert not last.description

    def test_a_time_to_live_is_set_and_taken_away(self, spot: Desk):
        log(spot)
        found = spot.api().artifact(f"{spot.path}/data:v0")
        assert found.ttl is None
        for given, expected in (
            (timedelta(days=2), timedelta(days=2)),
            (None, None),
            (wandb.ArtifactTTL.INHERIT, None),
        ):
            found.ttl = given
            found.save()
            assert spot.api().artifact(f"{spot.path}/data:v0").ttl == expected

    def test_aliases_move(self, spot: Desk):
        log(spot, count=2)
        api = spot.api()
        first = api.artifact(f"{spot.path}/data:v0")
        first.aliases.extend(["best", "ready"])
        first.save()
        second = spot.api().artifact(f"{spot.path}/data:v1")
        second.aliases.append("best")
        second.save()
        assert spot.api().artifact(f"{spot.path}/data:v0").aliases == ["ready"]
        assert sorted(spot.api().artifact(f"{spot.path}/data:best").aliases) == ["best", "latest"]
        second = spot.api().artifact(f"{spot.path}/data:v1")
        second.aliases.remove("best")
        second.save()
        assert spot.api().artifact(f"{spot.path}/data:v1").aliases == ["latest"]
        assert not spot.api().artifact_exists(f"{spot.path}/data:best")

    def test_what_can_t_be_is_refused_before_anything_changes(self, spot: Desk):
        log(spot, metadata={"a": 1})
        found = spot.api().artifact(f"{spot.path}/data:v0")
        found.metadata.update({f"key {n}": n for n in range(101)})
        with pytest.raises(Refused, match="100"):
            found.save()
        found = spot.api().artifact(f"{spot.path}/data:v0")
        assert found.metadata == {"a": 1}
        with pytest.raises(ValueError, match=r"(?i)invalid tag"):
            found.tags = ["no/slash"]
        found.aliases.append("no:colon")
        with pytest.raises(CommError, match="':'"):
            found.save()

    def test_somebody_else_s_version_is_not_changed(self, spot: Desk):
        log(spot)
        viewer = spot.lab.person("viewer")
        spot.lab.join(f"/organizations/{spot.team.organization}", viewer, "viewer")
        spot.lab.join(f"/teams/{spot.team.name}", viewer, "viewer")
        with spot.as_(viewer) as there:
            found = there.api().artifact(f"{spot.path}/data:v0")
            assert list(contents(found.download())) == ["x"]
            found.description = "mine"
            with pytest.raises(CommError):
                found.save()
            with pytest.raises(CommError):
                found.delete(delete_aliases=True)
            with pytest.raises(Refused), there.init() as run:
                run.log_artifact(artifact("data", files={"x": "y"})).wait()
        assert not spot.api().artifact(f"{spot.path}/data:v0").description


class TestDeleting:
    def test_a_version_without_aliases_goes(self, spot: Desk):
        log(spot, count=2)
        spot.api().artifact(f"{spot.path}/data:v0").delete()
        api = spot.api()
        assert not api.artifact_exists(f"{spot.path}/data:v0")
        assert [each.name for each in api.artifacts("dataset", f"{spot.path}/data")] == ["data:v1"]

    def test_one_with_aliases_goes_only_with_them(self, spot: Desk):
        """`latest` is one, and moves on to the newest that is left."""
        log(spot, count=2)
        newest = spot.api().artifact(f"{spot.path}/data:v1")
        with pytest.raises(CommError, match="latest"):
            newest.delete()
        assert spot.api().artifact_exists(f"{spot.path}/data:v1")
        newest.delete(delete_aliases=True)
        assert spot.api().artifact(f"{spot.path}/data:latest").version == "v0"

    def test_numbers_are_never_used_again(self, spot: Desk):
        log(spot, count=2)
        spot.api().artifact(f"{spot.path}/data:v1").delete(delete_aliases=True)
        log(spot)
        names = [each.name for each in spot.api().artifacts("dataset", f"{spot.path}/data")]
        assert names == ["data:v2", "data:v0"]

    def test_a_second_time_it_is_not_there(self, spot: Desk):
        log(spot)
        found = spot.api().artifact(f"{spot.path}/data:v0")
        found.delete(delete_aliases=True)
        with pytest.raises(CommError, match=r"(?i)no such version|not found|there is no|deleted"):
            found.delete(delete_aliases=True)


class TestOrigins:
    def test_a_chain_is_walked_in_both_directions(self, spot: Desk):
        with spot.init(job_type="prepare") as prepare:
            prepare.log_artifact(artifact("raw", files={"x": unique("x")})).wait()
        with spot.init(job_type="train") as train:
            train.use_artifact("raw:latest", use_as="input")
            train.log_artifact(artifact("trained", "model", files={"x": unique("x")})).wait()
        with spot.init(job_type="evaluate") as evaluate:
            evaluate.use_artifact("trained:latest")
            evaluate.use_artifact("raw:v0")
        api = spot.api()
        raw, trained = (api.artifact(f"{spot.path}/{name}:v0") for name in ("raw", "trained"))
        assert maker(raw).id == prepare.id
        assert {run.id for run in raw.used_by()} == {train.id, evaluate.id}
        assert maker(trained).id == train.id
        run = api.run(f"{spot.path}/{train.id}")
        assert [each.name for each in run.used_artifacts()] == ["raw:v0"]
        assert [each.name for each in run.logged_artifacts()] == ["trained:v0"]
        listed = api.run(f"{spot.path}/{evaluate.id}").used_artifacts(per_page=1)
        assert len(listed) == 2
        assert sorted(each.name for each in listed) == ["raw:v0", "trained:v0"]

    def test_runs_of_the_public_api_log_and_use_what_is_there(self, spot: Desk):
        log(spot)
        with spot.init() as other:
            pass
        api = spot.api()
        found = api.artifact(f"{spot.path}/data:v0")
        run = api.run(f"{spot.path}/{other.id}")
        run.use_artifact(found)
        # The older client sends aliases as texts, which no server takes: its documents declare them as objects.
        aliases = ["by-the-api"] if version() >= (0, 29) else []
        run.log_artifact(found, aliases=aliases)
        run = spot.api().run(f"{spot.path}/{other.id}")
        assert [each.name for each in run.used_artifacts()] == ["data:v0"]
        assert [each.name for each in run.logged_artifacts()] == ["data:v0"]
        assert sorted(spot.api().artifact(f"{spot.path}/data:v0").aliases) == [*aliases, "latest"]

    def test_a_run_of_a_hidden_project_is_not_told_of(self, spot: Desk):
        """Who sees a version through a registry does not learn who used it where."""
        registry = spot.api().create_registry(unique("open"), "organization", spot.team.organization_title)
        with spot.init() as run:
            made = run.log_artifact(artifact("secret", files={"x": unique("x")})).wait()
            link = run.link_artifact(made, f"{registry.entity}/{registry.full_name}/known")
        with spot.init() as user:
            user.use_artifact(made)
        outsider = spot.lab.person("outsider")
        spot.lab.join(f"/organizations/{spot.team.organization}", outsider)
        with spot.as_(outsider) as there:
            found = there.api().artifact(link.qualified_name)
            assert found.source_project == ""
            assert found.used_by() == []
            assert found.logged_by() is None
            assert list(contents(found.download())) == ["x"]
            assert not there.api().artifact_exists(made.qualified_name)
