"""A state works once, for ten minutes, for the same person, browser and login."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.utils import timezone

from social_integrations.exceptions import ConnectError
from social_integrations.models import OAuthAttempt
from social_integrations.services.oauth_state import (
    MAX_OPEN_ATTEMPTS,
    issue_state,
    new_browser_key,
    redeem_state,
)

pytestmark = pytest.mark.django_db
BROWSER = "browser-key"


@pytest.fixture
def user() -> User:
    return User.objects.create_user("owner")


def issue(user: User) -> str:
    return issue_state(user=user, browser_key=BROWSER, login="facebook")


def refusal(state: str, user: User | AnonymousUser, browser: str = BROWSER) -> str:
    with pytest.raises(ConnectError) as caught:
        redeem_state(state=state, visitor=user, browser_key=browser)
    return caught.value.code


def test_a_state_is_long_random_and_stored_as_a_hash(user: User) -> None:
    first, second = issue(user), issue(user)
    assert first != second
    assert len(first) >= 43
    stored = list(OAuthAttempt.objects.values_list("state_hash", "browser_hash"))
    assert first not in str(stored)
    assert BROWSER not in str(stored)
    assert len(new_browser_key()) >= 43


def test_the_right_person_redeems_once(user: User) -> None:
    state = issue(user)
    attempt = redeem_state(state=state, visitor=user, browser_key=BROWSER)
    assert attempt.user == user
    assert attempt.used_at is not None
    assert refusal(state, user) == "state_replayed"


@pytest.mark.parametrize("state", ["", "made-up", "\x00", "\ud800", "x" * 100_000])
def test_forged(user: User, state: str) -> None:
    issue(user)
    assert refusal(state, user) == "state_unknown"


def test_expired_after_ten_minutes(user: User) -> None:
    with time_machine.travel("2026-11-23T10:00:00Z", tick=False):
        early, late = issue(user), issue(user)
    with time_machine.travel("2026-11-23T10:09:59Z", tick=False):
        redeem_state(state=early, visitor=user, browser_key=BROWSER)
    with time_machine.travel("2026-11-23T10:10:00Z", tick=False):
        assert refusal(late, user) == "state_expired"


def test_other_person_other_browser_nobody(user: User) -> None:
    stranger = User.objects.create_user("stranger")
    state = issue(user)
    assert refusal(state, stranger) == "other_person"
    assert refusal(state, user, browser="elsewhere") == "other_browser"
    assert refusal(state, user, browser="") == "other_browser"
    assert refusal(state, AnonymousUser()) == "signed_out"
    # None of these uses the state up.
    redeem_state(state=state, visitor=user, browser_key=BROWSER)


def test_open_attempts_are_capped_per_person(user: User) -> None:
    other = issue(User.objects.create_user("other"))
    states = [issue(user) for _ in range(MAX_OPEN_ATTEMPTS + 1)]
    assert OAuthAttempt.objects.filter(user=user).count() == MAX_OPEN_ATTEMPTS
    assert refusal(states[0], user) == "state_unknown"
    redeem_state(state=states[-1], visitor=user, browser_key=BROWSER)
    redeem_state(state=other, visitor=User.objects.get(username="other"), browser_key=BROWSER)


def test_used_attempts_do_not_count_and_are_forgotten_after_a_day(user: User) -> None:
    used = issue(user)
    redeem_state(state=used, visitor=user, browser_key=BROWSER)
    for _ in range(MAX_OPEN_ATTEMPTS):
        issue(user)
    assert refusal(used, user) == "state_replayed"
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        issue(user)
        assert refusal(used, user) == "state_unknown"


@pytest.mark.django_db(transaction=True)
def test_of_twenty_parallel_uses_one_wins(user: User) -> None:
    state = issue(user)

    def use(_number: int) -> bool:
        try:
            redeem_state(state=state, visitor=user, browser_key=BROWSER)
        except ConnectError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(use, range(20))) == 1
