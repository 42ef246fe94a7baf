"""What a consent covers: long lists, Pages Meta does not list, and why something is unusable."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from pytest_django import Settings

from social_integrations.exceptions import ConnectError
from social_integrations.services.grants import Grant, redeem_code
from social_integrations.services.page_problems import PAGE_PROBLEMS
from social_integrations.services.pending import dump_grant, load_grant
from social_integrations.services.reviewing import Review, review_grant
from social_integrations.services.withdrawing import LEFT_OUT, mark_withdrawn
from social_integrations.tests.factories import NOON, make_account, make_user
from social_integrations.tests.graph.answers import FakeMeta, load, page_row, sent

pytestmark = pytest.mark.django_db
CODE = "the-code-of-meta"
OWNER_AT_META = "10229876543210001"


@pytest.fixture
def user() -> User:
    return make_user()


def redeem(login: str = "facebook") -> Grant:
    return redeem_code(code=CODE, login=login)


def inspected(**granular: list[str]) -> dict[str, Any]:
    """Return an answer of `debug_token` whose permissions are limited to these ids."""
    answer: dict[str, Any] = load("debug_token")
    answer["data"]["granular_scopes"] = [
        {"scope": scope, "target_ids": ids} for scope, ids in granular.items()
    ]
    return answer


def problems(grant: Grant) -> list[str]:
    return [offer.problem for offer in grant.offers]


def test_sixty_pages_over_three_answers(meta: FakeMeta) -> None:
    meta.pages(*(page_row(number) for number in range(60)), per_answer=20)
    grant = redeem()
    assert [offer.page_name for offer in grant.offers] == [f"Page {n:02}" for n in range(60)]
    assert [sent(call).get("after") for call in meta.calls("me/accounts")] == [
        None,
        "after-1",
        "after-2",
    ]


def test_pages_meta_does_not_list_are_asked_for_by_id(meta: FakeMeta) -> None:
    debug = inspected(pages_show_list=["700100200301", "700100200302"], pages_manage_metadata=[])
    meta.good_day(accounts="accounts_none", debug_token=debug)
    meta.answer("GET", "700100200301", page_row(1))
    meta.answer("GET", "700100200302", "error_no_metadata")
    grant = redeem()
    assert [offer.page_id for offer in grant.offers] == ["700100200301", "700100200302"]
    assert problems(grant) == ["", "no_token"]
    assert grant.offers[0].access_token == "EAAPAGE1secretvalue"


def test_a_hidden_page_of_a_business_is_told(meta: FakeMeta) -> None:
    debug = inspected(pages_show_list=["700100200309"])
    meta.good_day(debug_token=debug, permissions="permissions_no_business")
    meta.answer("GET", "700100200309", "error_no_metadata")
    assert problems(redeem()) == ["", "business_managed"]


def test_a_passing_fault_is_not_taken_for_a_hidden_page(meta: FakeMeta) -> None:
    meta.good_day(accounts="accounts_none", debug_token=inspected(pages_show_list=["7"]))
    meta.answer("GET", "7", "error_throttled")
    with pytest.raises(ConnectError) as caught:
        redeem()
    assert caught.value.code == "meta_busy"


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["17841455501230001"], ["", "not_ticked"]),
        ([17841455501230001, "17841455501230002"], ["", ""]),
        # Ids of something else say nothing.
        (["700100200301"], ["", ""]),
    ],
)
def test_an_account_that_was_not_ticked(
    meta: FakeMeta, ids: list[str], expected: list[str]
) -> None:
    meta.good_day(accounts="accounts_two", debug_token=inspected(instagram_basic=ids))
    assert problems(redeem()) == expected


def test_every_reason_has_words(meta: FakeMeta) -> None:
    rows = [
        page_row(1, instagram_business_account=None),
        page_row(2, access_token=""),
        page_row(3, tasks=["ANALYZE"]),
    ]
    meta.pages(*rows)
    assert problems(redeem()) == ["no_instagram", "no_token", "no_task"]
    for words in PAGE_PROBLEMS.values():
        assert words.sentence.endswith(".")
        assert words.next_step.endswith(".")


@pytest.mark.parametrize("login", ["facebook", "instagram"])
def test_a_kept_grant_is_the_same(meta: FakeMeta, settings: Settings, login: str) -> None:
    settings.INSTAGRAM_LOGIN_APP_ID, settings.INSTAGRAM_LOGIN_APP_SECRET = "800", "x" * 32
    meta.good_day(accounts="accounts_mixed")
    meta.instagram_day()
    grant = redeem(login)
    assert load_grant(dump_grant(grant)) == grant
    assert "secretvalue" not in repr(grant)


# --- what would change ---


def review(user: User) -> Review:
    return review_grant(user=user, grant=redeem())


def test_new_reconnected_and_withdrawn(meta: FakeMeta, user: User) -> None:
    known = page_row(1)["instagram_business_account"]["id"]
    make_account(instagram_account_id=known, meta_user_id=OWNER_AT_META, connected_by=user)
    left_out = make_account(meta_user_id=OWNER_AT_META, connected_by=user)
    for others in (
        {"meta_user_id": "another person"},
        {"meta_user_id": OWNER_AT_META, "login": "instagram"},
        {"meta_user_id": OWNER_AT_META, "status": "disconnected"},
        {"meta_user_id": OWNER_AT_META, "access_withdrawn_at": NOON},
        {"meta_user_id": OWNER_AT_META, "connected_by": make_user()},
    ):
        make_account(**{"connected_by": user, **others})
    meta.pages(page_row(1), page_row(2))
    found = review(user)
    assert [(one.username, one.known) for one in found.choices] == [
        ("shop.01", True),
        ("shop.02", False),
    ]
    assert found.withdrawn == (left_out,)
    assert found.needs_answer


@pytest.mark.parametrize("known", [True, False])
def test_one_account_and_no_other_change_needs_no_answer(
    meta: FakeMeta, user: User, known: bool
) -> None:
    if known:
        account = page_row(1)["instagram_business_account"]["id"]
        make_account(instagram_account_id=account, meta_user_id=OWNER_AT_META, connected_by=user)
    meta.pages(page_row(1), page_row(2, tasks=[]))
    assert not review(user).needs_answer


def test_an_account_of_somebody_else_is_no_choice(meta: FakeMeta, user: User) -> None:
    account = page_row(1)["instagram_business_account"]["id"]
    make_account(instagram_account_id=account, connected_by=make_user())
    meta.pages(page_row(1), page_row(2))
    found = review(user)
    assert [one.username for one in found.choices] == ["shop.02"]
    assert [page.code for page in found.unusable] == ["account_taken"]


def test_one_account_on_two_pages_is_one_choice(meta: FakeMeta, user: User) -> None:
    twin = {"instagram_business_account": page_row(1)["instagram_business_account"]}
    meta.pages(page_row(1, tasks=[]), page_row(2, **twin), page_row(3, **twin))
    (choice,) = review(user).choices
    assert choice.offer.page_name == "Page 02"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("identity", "connected"),
        ("error_token_expired", "reauth_required"),
        ("error_no_metadata", "connected"),
        ("error_temporary", "connected"),
        (b"<html>", "connected"),
    ],
)
def test_a_withdrawn_account_is_kept_and_marked(meta: FakeMeta, answer: Any, status: str) -> None:
    account = make_account()
    meta.answer("GET", "me", answer)
    outcome = mark_withdrawn(account=account)
    account.refresh_from_db()
    assert (account.status, account.status_reason) == (status, LEFT_OUT)
    assert outcome.dead == (status == "reauth_required")
    assert account.access_withdrawn_at is not None
    assert account.access_token


def test_a_token_known_as_dead_is_not_tried_again(meta: FakeMeta) -> None:
    assert mark_withdrawn(account=make_account(status="reauth_required")).dead
    assert not meta.calls()


def test_a_token_no_key_fits_is_not_a_dead_one(meta: FakeMeta) -> None:
    account = make_account()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE social_integrations_connectedaccount SET access_token = 'enc1:x'")
    account = type(account).objects.defer("access_token").get()
    assert not mark_withdrawn(account=account).dead
    assert not meta.calls()


def test_an_account_connected_again_meanwhile_is_left_alone(meta: FakeMeta) -> None:
    account = make_account()
    type(account).objects.update(connected_at="2026-11-24T00:00:00Z")
    meta.answer("GET", "me", "identity")
    mark_withdrawn(account=account)
    account.refresh_from_db()
    assert account.access_withdrawn_at is None
