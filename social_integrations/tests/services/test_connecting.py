"""From the code to connected accounts, and every way that can end early."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
import requests
from cryptography.fernet import Fernet
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from social_integrations.exceptions import ConnectError
from social_integrations.graph import transport
from social_integrations.models import ConnectedAccount, WebhookEvent
from social_integrations.services.connecting import ConnectResult, connect_accounts
from social_integrations.services.grants import redeem_code
from social_integrations.signals import account_connected
from social_integrations.tests.graph.answers import SECRETS, TOKEN_PATH, FakeMeta, fake_meta, sent

pytestmark = pytest.mark.django_db
CODE = "the-code-of-meta"
ACCOUNT_ID = "17841455501230001"
PAGE_ID = "700100200301"
SUBSCRIBE = f"{PAGE_ID}/subscribed_apps"


@pytest.fixture
def meta(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeMeta]:
    monkeypatch.setattr(transport, "RETRY_PAUSES", ())
    with fake_meta() as fake:
        yield fake


@pytest.fixture
def user() -> User:
    return User.objects.create_user("owner")


def connect(user: User) -> ConnectResult:
    return connect_accounts(user=user, grant=redeem_code(code=CODE, login="facebook"))


def refusal(user: User) -> tuple[str, str]:
    with pytest.raises(ConnectError) as caught:
        connect(user)
    assert not [word for word in SECRETS if word in caught.value.detail]
    return caught.value.code, caught.value.detail


def known_account(**values: Any) -> ConnectedAccount:
    return ConnectedAccount.objects.create(
        **{"instagram_account_id": ACCOUNT_ID, "connected_at": timezone.now(), **values}
    )


def test_everything_is_stored(meta: FakeMeta, user: User) -> None:
    meta.good_day()
    (outcome,) = connect(user).accounts
    account = ConnectedAccount.objects.get()
    assert outcome.account_id == account.pk
    assert (outcome.created, outcome.subscribed, outcome.reason) == (True, True, "")
    assert account.instagram_account_id == ACCOUNT_ID
    assert (account.username, account.name) == ("harbour.books", "Harbour Books")
    assert account.profile_picture_url == "https://scontent.example/p.jpg"
    assert (account.page_id, account.page_name) == (PAGE_ID, "Harbour Books")
    assert account.meta_user_id == "10229876543210001"
    assert account.access_token == "EAAPAGE1secretvalue"
    assert account.token_expires_at is None
    assert account.data_access_expires_at == datetime.fromtimestamp(1803116000, UTC)
    assert "instagram_manage_messages" in account.granted_scopes
    assert (account.status, account.status_reason) == ("connected", "")
    assert account.connected_by == user
    assert account.webhook_subscribed_at is not None


def test_the_token_is_exchanged_before_the_pages_are_read(meta: FakeMeta, user: User) -> None:
    meta.good_day()
    connect(user)
    paths = [str(call.url).partition("?")[0].partition("/v26.0/")[2] for call in meta.calls()]
    assert paths[:2] == [TOKEN_PATH, TOKEN_PATH]
    assert paths.index("me/accounts") > 1
    assert sent(meta.calls(TOKEN_PATH)[0])["redirect_uri"].endswith("/oauth/callback/")
    assert sent(meta.calls(TOKEN_PATH)[1])["fb_exchange_token"] == "EAABshortsecretvalue"
    pages = meta.calls("me/accounts")[0]
    assert pages.headers["Authorization"] == "Bearer EAABlongsecretvalue"
    subscribed = meta.calls(SUBSCRIBE)[0]
    assert subscribed.headers["Authorization"] == "Bearer EAAPAGE1secretvalue"


def test_no_secret_in_other_addresses_logs_or_plain_columns(
    meta: FakeMeta, user: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    meta.good_day()
    result = connect(user)
    # Meta demands app secret, code and token in the addresses of the exchanges, nowhere else.
    others = [call for call in meta.calls() if "oauth" not in str(call.url)]
    urls = " ".join(str(call.url) for call in others if "debug_token" not in str(call.url))
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM social_integrations_connectedaccount")
        row = str(cursor.fetchall())
    for text in (urls, caplog.text, row, repr(result), repr(ConnectedAccount.objects.get())):
        assert not [word for word in SECRETS if word in text]


def test_several_pages_give_several_accounts(meta: FakeMeta, user: User) -> None:
    meta.good_day(accounts="accounts_two")
    result = connect(user)
    assert [one.username for one in result.accounts] == ["harbour.books", "quay.cafe"]
    assert ConnectedAccount.objects.count() == 2


def test_usable_pages_are_connected_and_the_others_named(meta: FakeMeta, user: User) -> None:
    meta.good_day(accounts="accounts_mixed")
    result = connect(user)
    assert len(result.accounts) == 1
    assert [(page.page_name, page.code) for page in result.unusable] == [
        ("No Instagram", "no_instagram"),
        ("Read only", "no_task"),
    ]
    assert result.problem == ""


@pytest.mark.parametrize(
    ("pages", "problem", "reasons"),
    [
        ("accounts_without_instagram", "no_instagram", ["no_instagram"]),
        ("accounts_without_token", "no_usable_page", ["no_token"]),
        ("accounts_without_task", "no_usable_page", ["no_task"]),
        ("accounts_unusable_mixed", "no_usable_page", ["no_instagram", "no_task"]),
    ],
)
def test_no_usable_page(
    meta: FakeMeta, user: User, pages: str, problem: str, reasons: list[str]
) -> None:
    meta.good_day(accounts=pages)
    result = connect(user)
    assert (result.problem, result.accounts) == (problem, ())
    assert [page.code for page in result.unusable] == reasons
    assert not ConnectedAccount.objects.exists()


def test_absent_tasks_are_taken_as_fine(meta: FakeMeta, user: User) -> None:
    meta.good_day(accounts="accounts_without_tasks_key")
    assert len(connect(user).accounts) == 1


def test_no_page_at_all(meta: FakeMeta, user: User) -> None:
    meta.good_day(accounts="accounts_none")
    assert refusal(user) == ("no_pages", "")


def test_no_page_without_business_management(meta: FakeMeta, user: User) -> None:
    meta.good_day(accounts="accounts_none", permissions="permissions_no_business")
    assert refusal(user) == ("no_pages_business", "")


def test_an_essential_permission_is_missing(meta: FakeMeta, user: User) -> None:
    meta.good_day(permissions="permissions_no_messages")
    assert refusal(user) == ("permissions_missing", "instagram_manage_messages")


def test_another_permission_is_missing(meta: FakeMeta, user: User) -> None:
    meta.good_day(permissions="permissions_no_metadata", subscribed_apps="error_no_metadata")
    result = connect(user)
    assert result.missing_scopes == ("pages_manage_metadata",)
    (outcome,) = result.accounts
    assert not outcome.subscribed
    assert "permission" in outcome.reason
    account = ConnectedAccount.objects.get()
    assert account.webhook_subscribed_at is None
    assert account.status_reason == outcome.reason
    assert account.is_active


def test_permissions_are_read_from_the_token_where_the_list_is_empty(
    meta: FakeMeta, user: User
) -> None:
    meta.good_day(permissions={"data": []})
    connect(user)
    assert "instagram_basic" in ConnectedAccount.objects.get().granted_scopes


@pytest.mark.parametrize(
    ("fixture", "code"),
    [
        ("error_code_expired", "code_expired"),
        ("error_code_used", "code_used"),
        ("error_code_invalid", "code_invalid"),
        ("error_redirect", "redirect_mismatch"),
        ("error_redirect_no_subcode", "redirect_mismatch"),
        ("error_redirect_missing", "redirect_mismatch"),
        ("error_secret", "wrong_app_secret"),
        ("error_app_id", "wrong_app_id"),
        ("error_throttled", "meta_busy"),
        ("error_temporary", "meta_unreachable"),
        ("error_talkative", "meta_refused"),
        ("token_missing", "meta_unreachable"),
    ],
)
def test_the_exchange_is_refused(meta: FakeMeta, user: User, fixture: str, code: str) -> None:
    meta.answer("GET", TOKEN_PATH, fixture)
    assert refusal(user)[0] == code
    assert len(meta.calls()) == 1


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (requests.ConnectTimeout("secretvalue"), 200, "connection in time"),
        (requests.exceptions.SSLError("secretvalue"), 200, "TLS"),
        (b"<html>", 502, "HTTP 502"),
        (b"{", 200, "not a JSON object"),
    ],
)
def test_meta_is_unreachable_in_words(
    meta: FakeMeta, user: User, body: Any, status: int, words: str
) -> None:
    meta.answer("GET", TOKEN_PATH, body, status)
    code, detail = refusal(user)
    assert code == "meta_unreachable"
    assert words in detail


def test_a_fault_after_the_exchange_stores_nothing(meta: FakeMeta, user: User) -> None:
    meta.good_day(accounts="error_token_expired")
    code, detail = refusal(user)
    assert code == "meta_refused"
    assert detail == "The connection has expired. (Meta's error 190/463.)"
    assert not ConnectedAccount.objects.exists()


def test_inspection_is_not_needed(meta: FakeMeta, user: User) -> None:
    meta.good_day(debug_token="error_temporary")
    connect(user)
    assert ConnectedAccount.objects.get().data_access_expires_at is None


def test_connecting_again_is_the_way_out_when_the_key_is_lost(
    meta: FakeMeta, user: User, settings: Settings
) -> None:
    known_account(connected_by=user, access_token="old")
    settings.INSTAGRAM_TOKEN_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    meta.good_day()
    assert len(connect(user).accounts) == 1
    assert ConnectedAccount.objects.get().access_token == "EAAPAGE1secretvalue"


def test_the_same_account_again_is_the_same_row(meta: FakeMeta, user: User) -> None:
    known = known_account(
        connected_by=user,
        access_token="old",
        status=ConnectedAccount.Status.REAUTH_REQUIRED,
        status_reason="expired",
    )
    meta.good_day()
    (outcome,) = connect(user).accounts
    assert not outcome.created
    account = ConnectedAccount.objects.get()
    assert account.pk == known.pk
    assert account.access_token == "EAAPAGE1secretvalue"
    assert (account.status, account.status_reason) == ("connected", "")
    assert account.connected_at > known.connected_at


@pytest.mark.django_db(transaction=True)
def test_connecting_at_the_same_moment_ends_in_one_row(meta: FakeMeta, user: User) -> None:
    meta.good_day()

    def run(_number: int) -> int:
        try:
            return connect(user).accounts[0].account_id
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        ids = set(pool.map(run, range(6)))
    assert ids == {ConnectedAccount.objects.get().pk}


def test_somebody_elses_account_is_left_alone(meta: FakeMeta, user: User) -> None:
    known_account(connected_by=User.objects.create_user("other"), access_token="theirs")
    meta.good_day()
    result = connect(user)
    assert result.problem == "account_taken"
    assert [page.code for page in result.unusable] == ["account_taken"]
    assert ConnectedAccount.objects.get().access_token == "theirs"
    assert not meta.calls(SUBSCRIBE)


def test_who_may_change_all_accounts_may_replace_one(meta: FakeMeta, user: User) -> None:
    user.user_permissions.add(Permission.objects.get(codename="change_connectedaccount"))
    known_account(connected_by=User.objects.create_user("other"))
    meta.good_day()
    connect(user)
    assert ConnectedAccount.objects.get().connected_by == user


def test_overlong_names_are_cut(meta: FakeMeta, user: User) -> None:
    page = {
        "id": PAGE_ID,
        "name": "P" * 400,
        "access_token": "EAAPAGE1secretvalue",
        "instagram_business_account": {"id": ACCOUNT_ID, "username": "u" * 400, "name": "\x00"},
    }
    meta.good_day(accounts={"data": [page]})
    connect(user)
    account = ConnectedAccount.objects.get()
    assert (len(account.page_name), len(account.username), account.name) == (255, 255, "")


@pytest.mark.parametrize("refused", ["error_messages_field", "error_field_name"])
def test_refused_fields_fall_back_to_feed(meta: FakeMeta, user: User, refused: str) -> None:
    meta.answer("POST", SUBSCRIBE, refused)
    meta.good_day()
    (outcome,) = connect(user).accounts
    assert outcome.subscribed
    first, second = (sent(call)["subscribed_fields"] for call in meta.calls(SUBSCRIBE))
    assert first == "messages,messaging_postbacks,message_reactions,standby,messaging_handovers"
    assert second == "feed"


@pytest.mark.parametrize(
    ("answer", "calls"), [("error_throttled", 1), ("subscribed_false", 1), ("error_no_metadata", 2)]
)
def test_an_account_without_subscription_stays_connected_and_says_so(
    meta: FakeMeta, user: User, answer: str, calls: int
) -> None:
    meta.good_day(subscribed_apps=answer)
    (outcome,) = connect(user).accounts
    assert not outcome.subscribed
    assert ConnectedAccount.objects.get().status_reason == outcome.reason != ""
    assert len(meta.calls(SUBSCRIBE)) == calls


def test_events_that_came_too_early_are_adopted(meta: FakeMeta, user: User) -> None:
    event = WebhookEvent.objects.create(
        delivery_id=uuid4(),
        position=0,
        received_at=timezone.now(),
        instagram_account_id=ACCOUNT_ID,
        wrapper="messaging",
        kind="message",
        event_key="k",
        payload={},
        status=WebhookEvent.Status.ORPHANED,
    )
    meta.good_day()
    connect(user)
    event.refresh_from_db()
    assert event.status != WebhookEvent.Status.ORPHANED


@pytest.mark.django_db(transaction=True)
def test_the_host_is_told_once_it_is_committed(meta: FakeMeta, user: User) -> None:
    heard: list[dict[str, Any]] = []

    def listener(**arguments: Any) -> None:
        heard.append({**arguments, "in_transaction": connection.in_atomic_block})
        raise RuntimeError("a listener's own fault")

    account_connected.connect(listener)
    meta.good_day()
    try:
        result = connect(user)
    finally:
        account_connected.disconnect(listener)
    (told,) = heard
    assert told["account"].pk == result.accounts[0].account_id
    assert told["account"].webhook_subscribed_at is not None
    assert (told["user"], told["created"], told["in_transaction"]) == (user, True, False)


@pytest.mark.django_db(transaction=True)
def test_meta_is_never_called_inside_a_transaction(
    meta: FakeMeta, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[bool] = []
    send = transport.Transport.send

    def watched(self: transport.Transport, *args: Any, **more: Any) -> transport.Answer:
        held.append(connection.in_atomic_block)
        return send(self, *args, **more)

    monkeypatch.setattr(transport.Transport, "send", watched)
    meta.good_day()
    connect(user)
    assert held
    assert not any(held)


def test_the_stand_in_is_only_another_host(user: User, settings: Settings) -> None:
    settings.INSTAGRAM_FACEBOOK_GRAPH_URL = "http://127.0.0.1:9/"
    settings.INSTAGRAM_GRAPH_TIMEOUT = (0.5, 0.5)
    assert refusal(user) == ("meta_unreachable", "the connection to Meta failed")
