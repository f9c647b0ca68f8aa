"""Who one is, and what the client asks about users, organizations and papers."""

from __future__ import annotations

import pytest
from huggingface_hub import HfApi
from huggingface_hub.utils import HfHubHTTPError

from clients.huggingface.hub import Hub, Person, unique


def test_whoami(hub: Hub, alice: Person, bob: Person) -> None:
    organization = hub.organization(admin=bob, member=alice)
    me = alice.api.whoami()
    assert (me["type"], me["name"], [org["name"] for org in me["orgs"]]) == ("user", alice.name, [organization])
    assert me["auth"]["accessToken"]["role"] == "write"
    assert me["email"] == f"{alice.name}@example.org"
    reader = hub.with_token(alice.name, "read").api.whoami()
    assert reader["auth"]["accessToken"] | {"createdAt": ""} == {
        "displayName": "token-read",
        "role": "read",
        "createdAt": "",
    }


def test_whoami_with_a_bad_token(hub: Hub) -> None:
    with pytest.raises(HfHubHTTPError, match="Invalid user token"):
        HfApi(endpoint=hub.url, token="hf_wrong").whoami()


def test_overviews(hub: Hub, alice: Person, bob: Person) -> None:
    organization = hub.organization("acme", admin=alice, member=bob)
    user = bob.api.get_user_overview(alice.name.upper())
    assert (user.username, user.fullname) == (alice.name, alice.name)
    assert [org.name for org in user.orgs] == [organization]
    found = bob.api.get_organization_overview(organization)
    assert (found.name, found.fullname) == (organization, "Acme")
    for verb in (bob.api.get_user_overview, bob.api.get_organization_overview):
        with pytest.raises(HfHubHTTPError) as error:
            verb(unique("nobody"))
        assert error.value.response.status_code == 404


def test_an_organization_is_no_secret_but_its_members_are(hub: Hub, alice: Person, bob: Person) -> None:
    organization = hub.organization("acme", admin=alice)
    admin = {alice.name, "admin"}
    assert {member.username for member in alice.api.list_organization_members(organization)} == admin
    with pytest.raises(HfHubHTTPError) as error:
        list(bob.api.list_organization_members(organization))
    assert error.value.response.status_code == 403
    assert bob.api.get_user_overview(alice.name).orgs == []


def test_papers(hub: Hub, alice: Person) -> None:
    """One by its id (the client asks without a token), by words, the last ones, and as text."""
    word = unique("Transduction").replace("-", "")
    paper = hub.paper(f"{word} Is All You Need")
    found = alice.api.paper_info(paper)
    assert (found.id, found.title) == (paper, f"{word} Is All You Need")
    assert [author.name for author in found.authors or []] == ["Ashish Vaswani", "Noam Shazeer"]
    assert found.published_at is not None
    assert found.published_at.year == 2017
    rows = list(alice.api.list_papers(query=word))
    assert [(row.id, row.title) for row in rows] == [(paper, found.title)]
    assert paper in [row.id for row in alice.api.list_daily_papers(limit=5)]
    assert list(alice.api.list_daily_papers(p=100)) == []
    assert list(alice.api.list_daily_papers(date="2025-10-29")) == []
    assert alice.api.read_paper(paper).startswith(f"# {word} Is All You Need\n\nAshish Vaswani, Noam Shazeer\n")
    with pytest.raises(HfHubHTTPError) as error:
        alice.api.paper_info("9912.99999")
    assert error.value.response.status_code == 404


def test_what_this_server_does_not_have(alice: Person) -> None:
    """A route of the Hub that is not here is a clean 404."""
    answer = alice.call("GET", "/api/models-tags-by-type")
    assert answer.status_code == 404
    assert answer.json()["error"]
    assert alice.call("GET", "/api/agent-harnesses").json() == {"standardEnvVars": [], "harnesses": {}}
