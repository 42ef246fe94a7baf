"""Ice breakers and menu: told to Instagram as they stand, at its pace, with words for every end."""

import json
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import requests
import time_machine
from django.utils import timezone

from social_integrations.exceptions import AccountOnHold, GraphPausedError, GraphUnavailableError
from social_integrations.models import (
    CallBudget,
    ConnectedAccount,
    IceBreaker,
    Job,
    MenuEntry,
    MessengerProfile,
)
from social_integrations.services.messenger_profiles import (
    compare,
    push,
    want_compare,
    want_push,
)
from social_integrations.tasks import run_next_job
from social_integrations.tests.factories import make_account, make_messenger_profile
from social_integrations.tests.graph.answers import GRAPH, INSTAGRAM, VERSION, FakeMeta

pytestmark = pytest.mark.django_db

PATH = "me/messenger_profile"
CONTENT = {
    "ice_breakers": [
        {
            "locale": "default",
            "call_to_actions": [{"question": "When are you open?", "payload": "HOURS"}],
        }
    ],
    "persistent_menu": [
        {
            "locale": "default",
            "call_to_actions": [
                {"type": "postback", "title": "Talk to us", "payload": "AGENT"},
                {"type": "web_url", "title": "Shop", "url": "https://shop.example/"},
            ],
        }
    ],
}
OK = {"result": "success"}


def error(code: int, subcode: int | None = None) -> dict[str, Any]:
    return {"error": {"message": "No.", "code": code, "error_subcode": subcode}}


@pytest.fixture
def profile() -> MessengerProfile:
    return make_messenger_profile()


def good_day(meta: FakeMeta, has: Any = CONTENT, host: str = GRAPH) -> None:
    meta.answer("POST", f"{host}/{PATH}", OK)
    meta.answer("DELETE", f"{host}/{PATH}", OK)
    meta.answer("GET", f"{host}/{PATH}", {"data": [has] if has else []})


def told(meta: FakeMeta) -> list[tuple[str, Any]]:
    """Return the calls that changed something: method and JSON body."""
    return [
        (str(call.method), json.loads(call.body or b"{}"))
        for call in meta.calls()
        if call.method != "GET"
    ]


def send(profile: MessengerProfile) -> MessengerProfile:
    want_push(profile)
    push(profile_id=profile.pk)
    profile.refresh_from_db()
    return profile


class TestPushing:
    def test_what_stands_there_is_sent_and_read_back(
        self, profile: MessengerProfile, meta: FakeMeta
    ) -> None:
        good_day(meta)
        send(profile)
        assert told(meta) == [("POST", {"platform": "instagram", **CONTENT})]
        (read,) = [call for call in meta.calls() if call.method == "GET"]
        assert "platform=instagram" in str(read.url)
        assert (profile.state, profile.pushed, profile.seen) == ("pushed", CONTENT, CONTENT)
        assert profile.pushed_at
        assert profile.error_text == ""

    def test_instagram_login_names_no_platform(self, meta: FakeMeta, instagram_app: None) -> None:
        profile = make_messenger_profile(account=make_account(login="instagram"))
        good_day(meta, host=f"{INSTAGRAM}/{VERSION}")
        send(profile)
        assert told(meta) == [("POST", CONTENT)]
        assert profile.state == "pushed"

    def test_what_was_emptied_is_removed(self, profile: MessengerProfile, meta: FakeMeta) -> None:
        good_day(meta, {"persistent_menu": CONTENT["persistent_menu"]})
        IceBreaker.objects.all().delete()
        send(profile)
        assert told(meta) == [
            ("POST", {"platform": "instagram", "persistent_menu": CONTENT["persistent_menu"]}),
            ("DELETE", {"platform": "instagram", "fields": ["ice_breakers"]}),
        ]

    def test_an_empty_one_removes_all(self, profile: MessengerProfile, meta: FakeMeta) -> None:
        good_day(meta, None)
        IceBreaker.objects.all().delete()
        MenuEntry.objects.all().delete()
        send(profile)
        fields = ["ice_breakers", "persistent_menu"]
        assert told(meta) == [("DELETE", {"platform": "instagram", "fields": fields})]
        assert profile.seen == {"ice_breakers": [], "persistent_menu": []}
        assert profile.state == "pushed"

    def test_languages_stand_apart_the_default_first(self, profile: MessengerProfile) -> None:
        for locale, question in (("ka_GE", "როდის?"), ("en_US", "When?"), ("ka_GE", "სად?")):
            IceBreaker.objects.create(
                profile=profile, locale=locale, question=question, payload="X", position=2
            )
        found = profile.content["ice_breakers"]
        assert [row["locale"] for row in found] == ["default", "en_US", "ka_GE"]
        assert [one["question"] for one in found[2]["call_to_actions"]] == ["როდის?", "სად?"]

    def test_two_wishes_are_one_push(self, profile: MessengerProfile, meta: FakeMeta) -> None:
        good_day(meta)
        want_push(profile)
        want_push(profile)
        while run_next_job():
            pass
        assert len(told(meta)) == 1

    def test_a_wish_made_meanwhile_is_not_lost(
        self, profile: MessengerProfile, meta: FakeMeta
    ) -> None:
        def wish_again(_request: Any) -> tuple[int, dict[str, str], str]:
            IceBreaker.objects.update(question="Where are you?")
            want_push(profile)
            return 200, {}, json.dumps(OK)

        meta.ask("POST", PATH, wish_again)
        meta.answer("GET", PATH, {"data": [CONTENT]})
        send(profile)
        assert profile.state == "wanted"


class TestPace:
    def test_three_pushes_in_ten_minutes_at_most(
        self, profile: MessengerProfile, meta: FakeMeta
    ) -> None:
        good_day(meta)
        with time_machine.travel(timezone.now(), tick=False) as clock:
            pushed = 0
            for _ in range(600):
                want_push(profile)
                with suppress(GraphPausedError):
                    push(profile_id=profile.pk)
                    pushed += 1
                clock.shift(1)
        assert pushed == 3
        assert len(meta.calls()) <= 10

    def test_throttled_it_waits_and_stays_wanted(
        self, profile: MessengerProfile, meta: FakeMeta
    ) -> None:
        meta.answer("POST", PATH, error(613), status=400)
        want_push(profile)
        with pytest.raises(GraphPausedError) as pause:
            push(profile_id=profile.pk)
        assert pause.value.seconds == 300
        profile.refresh_from_db()
        assert (profile.state, profile.error_text) == ("wanted", "")
        assert CallBudget.objects.get().free_at > timezone.now() + timedelta(seconds=280)


class TestRefusals:
    @pytest.mark.parametrize(
        ("answer", "words", "step"),
        [
            (error(100), "did not take this", "Change it"),
            (error(200), "permission", "pages_messaging"),
            (error(10, 1893063), "restricted", "Account status"),
        ],
    )
    def test_a_refusal_is_told_and_not_repeated(
        self,
        profile: MessengerProfile,
        meta: FakeMeta,
        answer: dict[str, Any],
        words: str,
        step: str,
    ) -> None:
        meta.answer("POST", PATH, answer, status=400)
        send(profile)
        assert profile.state == "failed"
        assert words in profile.error_text
        assert step in profile.error_action
        # A menu says nothing about messages: the account goes on.
        assert ConnectedAccount.objects.get().status == "connected"

    def test_instagram_logins_missing_permission_has_words_of_its_own(
        self, meta: FakeMeta, instagram_app: None
    ) -> None:
        profile = make_messenger_profile(account=make_account(login="instagram"))
        meta.answer("POST", f"{INSTAGRAM}/{VERSION}/{PATH}", error(200), status=400)
        send(profile)
        assert "pages_messaging" not in profile.error_action
        assert "Connect the Instagram account again" in profile.error_action

    def test_no_answer_is_told_and_tried_again(
        self, profile: MessengerProfile, meta: FakeMeta
    ) -> None:
        meta.answer("POST", PATH, requests.exceptions.ConnectTimeout())
        want_push(profile)
        with pytest.raises(GraphUnavailableError):
            push(profile_id=profile.pk)
        profile.refresh_from_db()
        assert profile.state == "failed"
        assert "tried again by itself" in profile.error_action
        CallBudget.objects.all().delete()
        meta.answer("POST", PATH, OK)
        meta.answer("GET", PATH, {"data": [CONTENT]})
        push(profile_id=profile.pk)
        profile.refresh_from_db()
        assert (profile.state, profile.error_text) == ("pushed", "")

    def test_a_dead_token_holds_it_until_the_account_is_connected_again(
        self, profile: MessengerProfile, meta: FakeMeta
    ) -> None:
        meta.answer("POST", PATH, error(190), status=401)
        want_push(profile)
        with pytest.raises(AccountOnHold):
            push(profile_id=profile.pk)
        profile.refresh_from_db()
        assert profile.state == "wanted"
        account = ConnectedAccount.objects.get()
        assert account.status == "reauth_required"
        with pytest.raises(AccountOnHold):
            push(profile_id=profile.pk)
        assert len(meta.calls()) == 1

    def test_a_disconnected_account_is_told_and_nothing_waits(
        self, profile: MessengerProfile, meta: FakeMeta
    ) -> None:
        ConnectedAccount.objects.update(status="disconnected")
        want_push(profile)
        assert run_next_job()
        profile.refresh_from_db()
        assert (profile.state, profile.error_text) == (
            "failed",
            "The Instagram account is disconnected.",
        )
        assert not Job.objects.exists()
        assert meta.calls() == []


class TestComparing:
    @pytest.mark.parametrize(
        "rows",
        [
            [CONTENT],
            [
                {"ice_breakers": CONTENT["ice_breakers"]},
                {"persistent_menu": CONTENT["persistent_menu"]},
            ],
            [*CONTENT["ice_breakers"], *CONTENT["persistent_menu"]],
        ],
        ids=["together", "apart", "by language"],
    )
    def test_every_shape_of_metas_is_understood(
        self, profile: MessengerProfile, meta: FakeMeta, rows: list[Any]
    ) -> None:
        meta.answer("GET", PATH, {"data": rows})
        compare(profile_id=profile.pk)
        profile.refresh_from_db()
        assert profile.seen == CONTENT
        assert profile.seen_at
        assert (profile.state, profile.pushed) == ("draft", None)

    @pytest.mark.parametrize(
        "data", [[], None, "x", [1, None, {"ice_breakers": "x"}], [{"call_to_actions": [1, {}]}]]
    )
    def test_nonsense_is_nothing(
        self, profile: MessengerProfile, meta: FakeMeta, data: Any
    ) -> None:
        meta.answer("GET", PATH, {"data": data})
        compare(profile_id=profile.pk)
        profile.refresh_from_db()
        assert profile.seen == {"ice_breakers": [], "persistent_menu": []}

    def test_words_of_metas_own_do_not_make_a_difference(
        self, profile: MessengerProfile, meta: FakeMeta
    ) -> None:
        menu = CONTENT["persistent_menu"][0]
        more = {**menu, "composer_input_disabled": False, "disabled_surfaces": []}
        meta.answer(
            "GET",
            PATH,
            {"data": [{"ice_breakers": CONTENT["ice_breakers"], "persistent_menu": [more]}]},
        )
        compare(profile_id=profile.pk)
        profile.refresh_from_db()
        assert profile.seen == CONTENT

    def test_a_refusal_is_told_and_leaves_the_state(
        self, profile: MessengerProfile, meta: FakeMeta
    ) -> None:
        MessengerProfile.objects.update(state="pushed", pushed=CONTENT)
        meta.answer("GET", PATH, error(200), status=400)
        compare(profile_id=profile.pk)
        profile.refresh_from_db()
        assert profile.state == "pushed"
        assert "permission" in profile.error_text

    def test_it_is_left_to_the_worker(self, profile: MessengerProfile, meta: FakeMeta) -> None:
        meta.answer("GET", PATH, {"data": []})
        want_compare(profile)
        assert meta.calls() == []
        assert run_next_job()
        profile.refresh_from_db()
        assert profile.seen == {"ice_breakers": [], "persistent_menu": []}


def test_what_is_gone_meanwhile_is_no_fault(meta: FakeMeta) -> None:
    push(profile_id=0)
    compare(profile_id=0)
    assert Job.objects.count() == 0
