"""People, teams, workspaces, projects, datasets, classes and tags, through the `supervisely` client."""

from __future__ import annotations

import pytest

from clients.supervisely.studio import (
    ADMIN,
    ANNOTATOR,
    DEVELOPER,
    MANAGER,
    REVIEWER,
    VIEWER,
    Person,
    Place,
    Studio,
    Team,
    sly,
    template_of_two,
    unique,
)


class TestPeople:
    def test_who_i_am(self, lead: Person) -> None:
        me = lead.api.user.get_my_info()
        assert (me.id, me.login) == (lead.id, lead.name)
        assert lead.api.user.get_info_by_id(lead.id).login == lead.name

    def test_an_administrator_makes_disables_and_finds_users(self, studio: Studio) -> None:
        name = unique("newcomer")
        made = studio.admin.user.create(name, "a long enough password", name="New Comer", email=f"{name}@example.org")
        assert made.login == name
        assert studio.admin.user.get_info_by_login(name).id == made.id
        studio.admin.user.disable(made.id)
        assert studio.admin.user.get_info_by_id(made.id).disabled is True
        studio.admin.user.enable(made.id)
        assert studio.admin.user.get_info_by_id(made.id).disabled is False
        assert studio.admin.user.update(made.id, name="Old Hand").name == "Old Hand"

    def test_signing_in_with_a_password(self, studio: Studio) -> None:
        name, password = unique("typist"), "a long enough password"
        made = studio.admin.user.create(name, password)
        session = sly.UserSession(studio.url).log_in(name, password)
        assert session.id == made.id
        assert sly.Api.from_credentials(studio.url, name, password, override=False).user.get_my_info().id == made.id
        with pytest.raises(RuntimeError):
            sly.UserSession(studio.url).log_in(name, "some other password")

    def test_roles_have_the_numbers_that_the_client_knows(self, lead: Person) -> None:
        roles = {role.id: role.role for role in lead.api.role.get_list()}
        assert roles == {
            ADMIN: "admin",
            DEVELOPER: "developer",
            ANNOTATOR: "annotator",
            VIEWER: "viewer",
            REVIEWER: "reviewer",
            MANAGER: "manager",
        }

    def test_members_come_change_and_go(self, studio: Studio, lead: Person, team: Team) -> None:
        guest = studio.person("guest")
        lead.api.user.add_to_team(guest.id, team.id, VIEWER)
        assert lead.api.user.get_member_info_by_id(team.id, guest.id).role_id == VIEWER
        lead.api.user.change_team_role(guest.id, team.id, MANAGER)
        assert lead.api.user.get_member_info_by_login(team.id, guest.name).role_id == MANAGER
        assert lead.api.user.get_team_role(guest.id, team.id).role_id == MANAGER
        assert team.id in [each.id for each in guest.api.user.get_teams(guest.id)]
        lead.api.user.remove_from_team(guest.id, team.id)
        assert guest.id not in [member.id for member in lead.api.user.get_team_members(team.id)]


class TestTeamsAndWorkspaces:
    def test_teams(self, lead: Person) -> None:
        api, name = lead.api, unique("team")
        made = api.team.create(name, "for a while")
        assert api.team.get_info_by_id(made.id).name == name
        assert api.team.get_info_by_name(name).id == made.id
        assert made.id in [team.id for team in api.team.get_list()]
        assert api.team.create(name, change_name_if_conflict=True).name != name
        assert api.team.get_activity(made.id) == [] or api.team.get_activity(made.id)
        api.team.archive(made.id)
        assert api.team.get_info_by_id(made.id) is None

    def test_workspaces(self, lead: Person, team: Team) -> None:
        api, name = lead.api, unique("work")
        made = api.workspace.create(team.id, name, "some of it")
        assert api.workspace.get_info_by_id(made.id).description == "some of it"
        assert api.workspace.get_info_by_name(team.id, name).id == made.id
        assert api.workspace.create(team.id, name, change_name_if_conflict=True).name != name
        api.workspace.change_visibility(made.id, visible=False)
        api.workspace.archive(made.id)
        assert api.workspace.get_info_by_id(made.id) is None
        assert made.id not in [work.id for work in api.workspace.get_list(team.id)]
        api.workspace.remove_permanently(made.id)


class TestProjects:
    @pytest.mark.parametrize("kind", ["images", "videos", "volumes", "point_clouds", "point_cloud_episodes"])
    def test_of_each_type(self, lead: Person, workspace: int, kind: str) -> None:
        """S1-05."""
        name = unique("typed")
        made = lead.api.project.create(workspace, name, type=sly.ProjectType(kind), description="d", readme="# r")
        found = lead.api.project.get_info_by_id(made.id)
        assert (found.type, found.description, found.readme, found.items_count) == (kind, "d", "# r", 0)
        assert lead.api.project.get_info_by_name(workspace, name).id == made.id
        assert sly.ProjectMeta.from_json(lead.api.project.get_meta(made.id)).project_type == kind

    def test_named_changed_moved_and_removed(self, lead: Person, team: Team, workspace: int) -> None:
        api, name = lead.api, unique("project")
        made = api.project.create(workspace, name)
        assert api.project.create(workspace, name, change_name_if_conflict=True).name != name
        assert api.project.get_or_create(workspace, name).id == made.id
        assert api.project.edit_info(made.id, name=f"{name}-2", description="other").name == f"{name}-2"
        assert api.project.update_custom_data(made.id, {"camera": 3})
        assert api.project.get_custom_data(made.id) == {"camera": 3}
        api.project.update_settings(made.id, {"groupImages": False})
        assert api.project.get_settings(made.id)["groupImages"] is False
        elsewhere = api.workspace.create(team.id, unique("work"))
        api.project.move(made.id, elsewhere.id)
        assert made.id in [project.id for project in api.project.get_list(elsewhere.id)]
        assert made.id in [project.id for project in api.project.get_list(team_id=team.id)]
        assert made.id in [project.id for project in api.project.get_list_all()["entities"]]
        api.project.remove(made.id)
        assert api.project.get_info_by_id(made.id) is None
        api.project.remove_permanently(made.id)

    def test_counts_of_what_is_in_it(self, place: Place) -> None:
        place.images(3)
        place.images(1, place.test)
        assert place.api.project.get_images_count(place.project.id) == 4
        assert place.api.project.get_datasets_count(place.project.id) == 2
        assert place.api.project.get_info_by_id(place.project.id).items_count == 4


class TestDatasets:
    def test_nested(self, place: Place) -> None:
        api, project = place.api, place.project.id
        night = api.dataset.create(project, "night", parent_id=place.train.id)
        rain = api.dataset.create(
            project, "rain", parent_id=night.id, description="wet", custom_data={"season": "autumn"}
        )
        assert [each.name for each in api.dataset.get_list(project)] == ["train", "test"]
        assert [each.name for each in api.dataset.get_list(project, parent_id=place.train.id)] == ["night"]
        assert len(api.dataset.get_list(project, recursive=True)) == 4
        assert [(path, each.name) for path, each in api.dataset.tree(project)] == [
            ([], "train"), (["train"], "night"), (["train", "night"], "rain"), ([], "test"),
        ]  # fmt: skip
        assert {each.id for each in api.dataset.get_nested(project, place.train.id)} == {night.id, rain.id}
        assert api.dataset.get_info_by_id(rain.id).custom_data == {"season": "autumn"}
        api.dataset.move_to_dataset(rain.id, place.test.id)
        assert api.dataset.get_info_by_id(rain.id).parent_id == place.test.id

    def test_named_changed_and_removed(self, place: Place) -> None:
        api, project = place.api, place.project.id
        assert api.dataset.get_info_by_name(project, "train").id == place.train.id
        assert api.dataset.get_or_create(project, "train").id == place.train.id
        assert api.dataset.create(project, "train", change_name_if_conflict=True).name != "train"
        assert api.dataset.update(place.test.id, name="exam", description="final").name == "exam"
        assert api.dataset.update_custom_data(place.test.id, {"a": 1}).custom_data == {"a": 1}
        api.dataset.remove(place.test.id)
        assert api.dataset.get_info_by_id(place.test.id) is None
        api.dataset.remove_permanently(place.test.id)

    def test_copied_with_what_is_in_it(self, place: Place) -> None:
        image = place.images(1)[0]
        place.api.annotation.upload_ann(image.id, place.annotation(place.box()))
        other = place.api.project.create(place.workspace, unique("copy"))
        place.api.project.update_meta(other.id, place.meta)
        copy = place.api.dataset.copy(other.id, place.train.id, new_name="train", with_annotations=True)
        found = place.api.image.get_list(copy.id)
        assert [each.name for each in found] == [image.name]
        assert found[0].labels_count == 1


class TestMeta:
    def test_classes_and_tags_keep_their_numbers(self, place: Place) -> None:
        api, project = place.api, place.project.id
        before = {each.name: each.sly_id for each in place.meta.obj_classes}
        grown = place.meta.add_obj_class(sly.ObjClass("tree", sly.Polygon, color=[1, 200, 3]))
        api.project.update_meta(project, grown)
        after = sly.ProjectMeta.from_json(api.project.get_meta(project))
        assert {name: after.get_obj_class(name).sly_id for name in before} == before
        assert after.get_obj_class("tree").color == [1, 200, 3]
        assert {each.name for each in after.tag_metas} == {"checked", "speed", "remark", "weather"}
        assert after.get_tag_meta("weather").possible_values == ["sun", "rain"]
        api.project.append_classes(project, [sly.ObjClass("sign", sly.Rectangle)])
        assert api.object_class.get_name_to_id_map(project, refresh=True).keys() == {*before, "tree", "sign"}

    def test_classes_and_tags_one_by_one(self, place: Place) -> None:
        api, project = place.api, place.project.id
        number = api.object_class.get_name_to_id_map(project)["lane"]
        assert api.object_class.update(number, name="line", description="white").name == "line"
        assert api.object_class.get_info_by_id(number).description == "white"
        api.project.remove_class(project, number)
        assert "line" not in api.object_class.get_name_to_id_map(project, refresh=True)
        made = api.image.tag.create(project, sly.TagMeta("fog", sly.TagValueType.NONE))
        tags = api.image.tag.get_name_to_id_map(project, refresh=True)
        assert made is not None
        api.project.remove_tag(project, tags["fog"])
        assert "fog" not in api.image.tag.get_name_to_id_map(project, refresh=True)

    def test_graphs_have_templates(self, place: Place) -> None:
        meta = sly.ProjectMeta([sly.ObjClass("cat", sly.GraphNodes, geometry_config=template_of_two())])
        place.api.project.update_meta(place.project.id, place.meta.merge(meta))
        found = sly.ProjectMeta.from_json(place.api.project.get_meta(place.project.id)).get_obj_class("cat")
        assert {node["label"] for node in found.geometry_config["nodes"].values()} == {"nose", "tail"}


class TestTheOtherEnds:
    def test_the_environment_says_where_and_who(self, lead: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SERVER_ADDRESS", lead.url)
        monkeypatch.setenv("API_TOKEN", lead.token)
        assert sly.Api.from_env().user.get_my_info().id == lead.id

    def test_the_address_of_the_api_alone(self, lead: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SUPERVISELY_API_SERVER_ADDRESS", lead.url)
        assert lead.api.user.get_my_info().id == lead.id

    def test_a_project_is_archived_with_a_backup(self, place: Place) -> None:
        """It stays, and says where the backup is."""
        place.api.project.archive(place.project.id, "https://files.example.org/backup.tar")
        found = place.api.project.get_info_by_id(place.project.id)
        assert found.backup_archive["url"] == "https://files.example.org/backup.tar"

    def test_an_older_instance_is_not_suspected(self, lead: Person) -> None:
        assert lead.api.instance_version >= "6.18.3"
        assert lead.api.is_version_supported() in {True, None}
