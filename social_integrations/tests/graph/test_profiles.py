"""A customer's profile."""

import pytest

from social_integrations.exceptions import GraphRefusedError
from social_integrations.graph.client import GraphClient
from social_integrations.graph.profiles import fetch_profile
from social_integrations.graph.types import Profile
from social_integrations.tests.graph.answers import FakeMeta, sent

IGSID = "1020304050607080"


def test_profile(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("GET", IGSID, "profile")
    assert fetch_profile(client, IGSID) == Profile(
        name="Customer",
        username="first.customer",
        profile_picture_url="https://scontent.example/customer.jpg",
    )
    assert sent(meta.calls()[0])["fields"] == "name,username,profile_pic"


def test_nulls(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("GET", IGSID, "profile_nulls")
    assert fetch_profile(client, IGSID) == Profile()


def test_what_no_database_or_page_should_get(meta: FakeMeta, client: GraphClient) -> None:
    odd = {"profile_pic": "javascript:alert(1)", "name": "a\x00b", "username": "half \ud83d"}
    meta.answer("GET", IGSID, odd)
    assert fetch_profile(client, IGSID) == Profile(name="ab", username="half ?")


def test_missing_consent_is_told(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("GET", IGSID, "error_consent")
    with pytest.raises(GraphRefusedError) as caught:
        fetch_profile(client, IGSID)
    assert caught.value.code == 230
