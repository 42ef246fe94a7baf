"""Instagram Login: every shape Meta's answers may have, and the account it connects."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from social_integrations.exceptions import ConnectError
from social_integrations.graph.signatures import sign
from social_integrations.models import ConnectedAccount, WebhookEvent
from social_integrations.services.clients import client_for_account
from social_integrations.services.connecting import ConnectResult, connect_accounts
from social_integrations.services.grants import redeem_code
from social_integrations.services.permissions import missing_for
from social_integrations.tests.factories import NOON, make_account, make_user
from social_integrations.tests.graph.answers import (
    CODES,
    INSTAGRAM,
    SECRETS,
    VERSION,
    FakeMeta,
    sent,
)
from social_integrations.tests.payloads import encode, post, text_payload

pytestmark = pytest.mark.django_db
CODE = "the-code-of-meta"
ACCOUNT_ID = "17841455501230001"
APP_SCOPED_ID = "9000000001"
SECRET = "instagram-secretvalue"


@pytest.fixture(autouse=True)
def both_logins(settings: Settings) -> None:
    settings.INSTAGRAM_LOGIN_APP_ID = "800000000000001"
    settings.INSTAGRAM_LOGIN_APP_SECRET = SECRET


@pytest.fixture
def user() -> User:
    return make_user()


def connect(user: User, login: str = "instagram") -> ConnectResult:
    return connect_accounts(user=user, grant=redeem_code(code=CODE, login=login))


def refusal() -> tuple[str, str]:
    with pytest.raises(ConnectError) as caught:
        redeem_code(code=CODE, login="instagram")
    assert not [word for word in (*SECRETS, SECRET) if word in caught.value.detail]
    return caught.value.code, caught.value.detail


@time_machine.travel(NOON, tick=False)
def test_everything_is_stored(meta: FakeMeta, user: User) -> None:
    meta.instagram_day()
    (outcome,) = connect(user).accounts
    account = ConnectedAccount.objects.get()
    assert (outcome.created, outcome.subscribed) == (True, True)
    assert account.login == "instagram"
    # Meta: webhooks name `user_id`; deauthorise callbacks the app-scoped `id`.
    assert account.instagram_account_id == ACCOUNT_ID
    assert account.app_scoped_id == account.meta_user_id == APP_SCOPED_ID
    assert (account.username, account.name) == ("harbour.books", "Harbour Books")
    assert (account.page_id, account.page_name) == ("", "")
    assert account.access_token == "IGAAlongsecretvalue"
    assert account.token_expires_at == NOON + timedelta(seconds=5183944)
    assert account.webhook_subscribed_at == NOON
    assert account.granted_scopes == [
        "instagram_business_basic",
        "instagram_business_manage_messages",
    ]


def test_each_call_goes_where_meta_documents_it(meta: FakeMeta, user: User) -> None:
    meta.instagram_day()
    connect(user)
    code, extend, me, subscribe = meta.calls()
    assert (code.method, code.url) == ("POST", f"{CODES}/oauth/access_token")
    assert sent(code) == {
        "client_id": "800000000000001",
        "client_secret": SECRET,
        "grant_type": "authorization_code",
        "redirect_uri": "https://testserver/api/social/instagram/oauth/callback/",
        "code": CODE,
    }
    assert str(extend.url).startswith(f"{INSTAGRAM}/access_token?")
    assert sent(extend) == {
        "grant_type": "ig_exchange_token",
        "client_secret": SECRET,
        "access_token": "IGAAshortsecretvalue",
    }
    assert str(me.url).startswith(f"{INSTAGRAM}/{VERSION}/me?")
    assert me.headers["Authorization"] == "Bearer IGAAlongsecretvalue"
    assert subscribe.url == f"{INSTAGRAM}/{VERSION}/me/subscribed_apps"
    assert "messaging_seen" in sent(subscribe)["subscribed_fields"].split(",")
    assert "appsecret_proof" not in sent(me) | sent(subscribe)


@pytest.mark.parametrize(
    "code",
    ["login_token_wrapped", "login_token_flat", "login_token_numbers", "login_token_silent"],
)
@pytest.mark.parametrize("me", ["login_me_wrapped", "login_me_flat", "login_me_numbers"])
def test_every_shape_is_the_same_account(meta: FakeMeta, user: User, code: str, me: str) -> None:
    meta.instagram_day(code=code, me=me)
    connect(user)
    account = ConnectedAccount.objects.get()
    assert (account.instagram_account_id, account.app_scoped_id) == (ACCOUNT_ID, APP_SCOPED_ID)
    assert "instagram_business_manage_messages" in account.granted_scopes


def test_an_end_meta_does_not_name_is_sixty_days(meta: FakeMeta, user: User) -> None:
    meta.instagram_day(extend={"access_token": "IGAAlongsecretvalue"})
    with time_machine.travel(NOON, tick=False):
        connect(user)
    assert ConnectedAccount.objects.get().token_expires_at == NOON + timedelta(days=60)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"code": "error_login_code_used"}, "code_used"),
        ({"code": "error_login_code_unknown"}, "code_invalid"),
        ({"code": "error_login_secret"}, "wrong_login_secret"),
        ({"code": "error_login_platform"}, "wrong_login_id"),
        ({"code": "error_login_redirect"}, "redirect_mismatch"),
        ({"code": "error_login_strange"}, "meta_refused"),
        ({"code": {}}, "meta_unreachable"),
        ({"code": {"data": []}}, "meta_unreachable"),
        ({"code": b"<html>"}, "meta_unreachable"),
        ({"code": "login_token_partial"}, "permissions_missing"),
        ({"extend": "error_token_expired"}, "meta_refused"),
        ({"me": "login_me_without_id"}, "meta_unreachable"),
        ({"me": "error_throttled"}, "meta_busy"),
    ],
)
def test_refusals_in_words(meta: FakeMeta, answers: dict[str, Any], expected: str) -> None:
    meta.instagram_day(**answers)
    assert refusal()[0] == expected
    assert not ConnectedAccount.objects.exists()


def test_a_code_is_sent_once(meta: FakeMeta) -> None:
    meta.instagram_day(code=b"")
    refusal()
    assert len(meta.calls()) == 1


def test_a_personal_account_is_told(meta: FakeMeta, user: User) -> None:
    meta.instagram_day(me="login_me_personal")
    result = connect(user)
    assert (result.problem, result.accounts) == ("personal_account", ())
    assert [page.page_name for page in result.unusable] == ["@harbour.books"]


def test_refused_fields_fall_back_to_messages(meta: FakeMeta, user: User) -> None:
    url = f"{INSTAGRAM}/{VERSION}/me/subscribed_apps"
    meta.answer("POST", url, "error_field_name")
    meta.instagram_day()
    assert connect(user).accounts[0].subscribed
    assert [sent(call)["subscribed_fields"] for call in meta.calls("me/subscribed_apps")][1] == (
        "messages"
    )


def test_a_proof_is_added_once_meta_asks_for_it(meta: FakeMeta, user: User) -> None:
    meta.answer("GET", f"{INSTAGRAM}/{VERSION}/me", "error_proof_wanted")
    meta.instagram_day()
    connect(user)
    first, second = meta.calls("me")
    assert "appsecret_proof" not in sent(first)
    assert len(sent(second)["appsecret_proof"]) == 64


@pytest.mark.parametrize("first", ["facebook", "instagram"])
def test_the_other_login_is_the_same_row(meta: FakeMeta, user: User, first: str) -> None:
    meta.good_day()
    meta.instagram_day()
    second = "facebook" if first == "instagram" else "instagram"
    created = connect(user, first).accounts[0]
    again = connect(user, second).accounts[0]
    account = ConnectedAccount.objects.get()
    assert (created.created, again.created) == (True, False)
    assert account.pk == created.account_id == again.account_id
    assert account.login == second
    # Facebook does not name the app-scoped id; it stays known.
    assert account.app_scoped_id == APP_SCOPED_ID
    assert account.page_id == ("700100200301" if second == "facebook" else "")


@pytest.mark.parametrize(
    ("login", "root", "secret"),
    [
        ("facebook", "https://graph.facebook.com/v26.0", "test-app-secret-0123456789abcdef"),
        ("instagram", "https://graph.instagram.com/v27.0", SECRET),
    ],
)
def test_an_accounts_client_goes_by_its_login(
    meta: FakeMeta, settings: Settings, login: str, root: str, secret: str
) -> None:
    settings.INSTAGRAM_LOGIN_GRAPH_VERSION = "v27.0"
    account = make_account(login=login)
    client = client_for_account(account)
    meta.answer("GET", f"{root}/me", {"id": "1"})
    client.get("me")
    (call,) = meta.calls()
    assert call.headers["Authorization"] == f"Bearer {account.access_token}"
    assert client._app_secret == secret


def test_hosts_and_paths_are_settings(meta: FakeMeta, settings: Settings) -> None:
    settings.INSTAGRAM_LOGIN_TOKEN_URL = "https://stand-in.example/"
    settings.INSTAGRAM_LOGIN_TOKEN_PATH = "/new/token/"
    meta.answer("POST", "https://stand-in.example/new/token", "error_login_code_used")
    assert refusal() == ("code_used", "")


@pytest.mark.parametrize("secret", ["test-app-secret-0123456789abcdef", SECRET, "older"])
def test_deliveries_may_be_signed_with_every_secret_of_both(
    client: Client, settings: Settings, secret: str
) -> None:
    settings.INSTAGRAM_LOGIN_APP_SECRET = [SECRET, "older"]
    body = encode(text_payload(f"m-{secret}"))
    assert post(client, body, sign(body, secret)).status_code == 200
    assert post(client, body, sign(body, "neither")).status_code == 403
    assert WebhookEvent.objects.count() == 1


def test_what_was_not_granted_stays_told(settings: Settings) -> None:
    settings.INSTAGRAM_LOGIN_SCOPES = ["instagram_business_basic", "a_new_one"]
    account = make_account(login="instagram", granted_scopes=["instagram_business_basic"])
    assert [row.scope for row in missing_for(account)] == ["a_new_one"]


def test_data_access_has_no_end_here(meta: FakeMeta, user: User) -> None:
    make_account(
        instagram_account_id=ACCOUNT_ID,
        connected_by=user,
        data_access_expires_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    meta.instagram_day()
    connect(user)
    assert ConnectedAccount.objects.get().data_access_expires_at is None
