"""Facebook Login: what is sent, and how Meta's answers are read."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from social_integrations.exceptions import GraphUnavailableError
from social_integrations.graph import oauth
from social_integrations.graph.client import GraphClient
from social_integrations.graph.flavours import FACEBOOK_LOGIN
from social_integrations.graph.types import AppCredentials
from social_integrations.tests.graph.answers import TOKEN_PATH, FakeMeta, sent

APP = AppCredentials(app_id="700", app_secret="app-secretvalue")


def test_authorize_url() -> None:
    url = urlsplit(
        oauth.authorize_url(
            FACEBOOK_LOGIN,
            version="v26.0",
            app_id="700",
            redirect_uri="https://crm.example/back/?a=b&c",
            state="s-t_a",
            scopes=("instagram_basic", "pages_show_list"),
        )
    )
    assert f"{url.scheme}://{url.netloc}{url.path}" == "https://www.facebook.com/v26.0/dialog/oauth"
    assert parse_qs(url.query) == {
        "client_id": ["700"],
        "redirect_uri": ["https://crm.example/back/?a=b&c"],
        "state": ["s-t_a"],
        "scope": ["instagram_basic,pages_show_list"],
        "response_type": ["code"],
    }


def test_exchange_code(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("GET", TOKEN_PATH, "token_short")
    grant = oauth.exchange_code(
        client, FACEBOOK_LOGIN, credentials=APP, redirect_uri="https://crm.example/", code="c"
    )
    assert (grant.access_token, grant.expires_in) == ("EAABshortsecretvalue", 5183)
    fields = sent(meta.calls()[0])
    assert (
        fields.items()
        >= {
            "client_id": "700",
            "client_secret": "app-secretvalue",
            "redirect_uri": "https://crm.example/",
            "code": "c",
        }.items()
    )
    assert "secretvalue" not in repr(grant) + repr(APP)


def test_extend_token(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("GET", TOKEN_PATH, "token_long")
    grant = oauth.extend_token(client, FACEBOOK_LOGIN, credentials=APP, token="EAABshort")
    assert grant.access_token == "EAABlongsecretvalue"
    fields = sent(meta.calls()[0])
    assert fields["grant_type"] == "fb_exchange_token"
    assert fields["fb_exchange_token"] == "EAABshort"


def test_an_answer_without_token_is_unusable(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("GET", TOKEN_PATH, "token_missing")
    with pytest.raises(GraphUnavailableError, match="no token"):
        oauth.extend_token(client, FACEBOOK_LOGIN, credentials=APP, token="x")


@pytest.mark.parametrize("fixture", ["identity", "identity_number"])
def test_identity_is_text(meta: FakeMeta, client: GraphClient, fixture: str) -> None:
    meta.answer("GET", "me", fixture)
    assert oauth.read_identity(client).user_id == "10229876543210001"


def test_identity_without_id_is_unusable(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("GET", "me", {"name": "x"})
    with pytest.raises(GraphUnavailableError):
        oauth.read_identity(client)


def test_only_granted_permissions_count(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("GET", "me/permissions", "permissions_no_messages")
    granted = oauth.read_permissions(client)
    assert "instagram_basic" in granted
    assert "instagram_manage_messages" not in granted


def test_inspection(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("GET", "debug_token", "debug_token")
    found = oauth.inspect_token(client, FACEBOOK_LOGIN, token="EAABlongsecretvalue")
    assert found.data_access_expires_at == datetime.fromtimestamp(1803116000, UTC)
    assert "instagram_basic" in found.scopes
    request = meta.calls()[0]
    assert sent(request)["input_token"] == "EAABlongsecretvalue"


def test_inspection_of_a_token_without_end(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("GET", "debug_token", {"data": {"expires_at": 0, "scopes": None}})
    found = oauth.inspect_token(client, FACEBOOK_LOGIN, token="x")
    assert (found.expires_at, found.data_access_expires_at, found.scopes) == (None, None, ())


def test_pages(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("GET", "me/accounts", "accounts_mixed")
    shop, without, read_only = oauth.list_pages(client)
    assert (shop.id, shop.name, shop.tasks) == (
        "700100200301",
        "Harbour Books",
        ("MESSAGING", "MODERATE"),
    )
    assert shop.instagram is not None
    assert shop.instagram.id == "17841455501230001"
    assert without.instagram is None
    assert read_only.tasks == ("ADVERTISE", "ANALYZE")
    assert "secretvalue" not in repr(shop)


def test_odd_pages_do_no_harm(meta: FakeMeta, client: GraphClient) -> None:
    meta.answer("GET", "me/accounts", "accounts_odd")
    (page,) = oauth.list_pages(client)
    assert (page.id, page.name, page.access_token) == ("700100200304", "", "")
    assert (page.tasks, page.instagram) == (None, None)


def test_sixty_pages_are_all_found(meta: FakeMeta, client: GraphClient) -> None:
    for start, after in ((0, "A"), (25, "B"), (50, "")):
        rows = [{"id": str(number)} for number in range(start, min(start + 25, 60))]
        paging = {"cursors": {"after": after}, "next": "https://graph.facebook.com/x"}
        meta.answer("GET", "me/accounts", {"data": rows, "paging": paging if after else {}})
    assert [page.id for page in oauth.list_pages(client)] == [str(n) for n in range(60)]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (
            {"id": "7", "instagram_business_account": {"id": "17841455501230001"}},
            "17841455501230001",
        ),
        ({"instagram_business_account": {"id": 17841455501230001}}, "17841455501230001"),
        ({"id": "7"}, None),
        ({"instagram_business_account": None}, None),
    ],
)
def test_the_account_linked_to_a_page(
    meta: FakeMeta, client: GraphClient, answer: object, found: str | None
) -> None:
    meta.answer("GET", "7", answer)
    linked = oauth.read_linked_account(client, "7")
    assert (linked.id if linked else None) == found
