"""The send policy, exact on the minute, and true of what applying does to a conversation."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from social_integrations.models import Conversation
from social_integrations.services.applying import apply_pending
from social_integrations.services.intake import store_delivery
from social_integrations.services.send_policy import (
    OPENS_WINDOW,
    RULES,
    WORDS,
    Author,
    Decision,
    Facts,
    Standing,
    Verdict,
    decide,
)
from social_integrations.tests.factories import make_account
from social_integrations.tests.payloads import (
    ACCOUNT_ID,
    CUSTOMER_ID,
    SENT_AT,
    encode,
    load,
    text_payload,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)
DAY_END = timedelta(hours=24) - timedelta(minutes=1)
WEEK_END = timedelta(days=7) - timedelta(minutes=1)
STRICTNESS = [Verdict.ALLOWED, Verdict.HUMAN_AGENT, Verdict.REFUSED]


def facts(age: timedelta | None = timedelta(), **changes: Any) -> Facts:
    opened_at = None if age is None else NOW - age
    plain = Facts(author=Author.HUMAN, now=NOW, opened_at=opened_at)
    return replace(plain, **changes)


def verdict(age: timedelta | None = timedelta(), **changes: Any) -> tuple[Verdict, str]:
    decision = decide(facts(age, **changes))
    return decision.verdict, decision.code


class TestEdges:
    @pytest.mark.parametrize(
        ("age", "human", "human_with_feature", "automation"),
        [
            (timedelta(0), "open", "open", "open"),
            (-timedelta(seconds=5), "open", "open", "open"),  # Meta's clock ahead of ours
            (DAY_END - TICK, "open", "open", "open"),
            (DAY_END, "window_closed", "human_agent", "window_closed"),
            (timedelta(hours=24) - TICK, "window_closed", "human_agent", "window_closed"),
            (timedelta(hours=24), "window_closed", "human_agent", "window_closed"),
            (WEEK_END - TICK, "window_closed", "human_agent", "window_closed"),
            (WEEK_END, "window_closed", "human_agent_closed", "window_closed"),
            (timedelta(days=7), "window_closed", "human_agent_closed", "window_closed"),
            (timedelta(days=400), "window_closed", "human_agent_closed", "window_closed"),
            (None, "never_opened", "never_opened", "never_opened"),
        ],
    )
    def test_each_to_the_microsecond(
        self, age: timedelta | None, human: str, human_with_feature: str, automation: str
    ) -> None:
        assert verdict(age)[1] == human
        assert verdict(age, human_agent=True)[1] == human_with_feature
        assert verdict(age, author=Author.AUTOMATION)[1] == automation

    @pytest.mark.parametrize(
        ("age", "code"),
        [
            (DAY_END - TICK, "open"),
            (DAY_END, "not_for_automation"),
            (WEEK_END - TICK, "not_for_automation"),
            (WEEK_END, "human_agent_closed"),
        ],
    )
    def test_automation_gets_a_day_even_where_people_get_a_week(
        self, age: timedelta, code: str
    ) -> None:
        assert verdict(age, author=Author.AUTOMATION, human_agent=True)[1] == code

    def test_the_moments_the_windows_close_are_a_minute_early(self) -> None:
        decision = decide(facts(timedelta(hours=1), human_agent=True))
        assert decision.closes_at == NOW + timedelta(hours=22, minutes=59)
        assert decision.human_agent_until == NOW + timedelta(days=6, hours=22, minutes=59)

    def test_without_the_feature_there_is_no_second_window(self) -> None:
        assert decide(facts()).human_agent_until is None

    def test_nothing_closes_what_never_opened(self) -> None:
        decision = decide(facts(None, human_agent=True))
        assert (decision.closes_at, decision.human_agent_until) == (None, None)

    def test_the_tag_goes_with_the_verdict(self) -> None:
        assert decide(facts(DAY_END, human_agent=True)).tag == "HUMAN_AGENT"
        assert decide(facts(DAY_END - TICK, human_agent=True)).tag == ""


class TestStates:
    def test_a_disconnected_account_sends_nothing(self) -> None:
        assert verdict(standing=Standing.GONE) == (Verdict.REFUSED, "account_gone")

    def test_a_held_account_lets_answers_wait_that_are_allowed(self) -> None:
        waiting = decide(facts(standing=Standing.HELD))
        assert (waiting.verdict, waiting.code, waiting.is_held) == (Verdict.ALLOWED, "held", True)
        assert waiting.action

    def test_what_waits_keeps_its_tag(self) -> None:
        waiting = decide(facts(DAY_END, standing=Standing.HELD, human_agent=True))
        assert (waiting.code, waiting.tag, waiting.is_held) == ("held", "HUMAN_AGENT", True)

    def test_a_held_account_is_no_way_around_the_window(self) -> None:
        refused = decide(facts(DAY_END, standing=Standing.HELD))
        assert (refused.code, refused.is_held) == ("window_closed", False)

    def test_another_app_holds_the_thread(self) -> None:
        assert verdict(held_elsewhere=True) == (Verdict.REFUSED, "held_elsewhere")

    @pytest.mark.parametrize("age", [None, timedelta(days=400)])
    @pytest.mark.parametrize("author", Author)
    def test_no_window_applies_to_oneself(self, age: timedelta | None, author: Author) -> None:
        assert verdict(age, is_self=True, author=author) == (Verdict.ALLOWED, "self")

    def test_being_oneself_connects_no_account(self) -> None:
        assert verdict(is_self=True, standing=Standing.GONE)[1] == "account_gone"


def all_facts() -> st.SearchStrategy[Facts]:
    ages = (
        st.none()
        | st.timedeltas(min_value=timedelta(hours=-1), max_value=timedelta(days=9))
        | st.sampled_from([end + shift for end in (DAY_END, WEEK_END) for shift in (-TICK, TICK)])
    )
    return st.builds(
        facts,
        ages,
        author=st.sampled_from(Author),
        human_agent=st.booleans(),
        standing=st.sampled_from(Standing),
        held_elsewhere=st.booleans(),
        is_self=st.booleans(),
    )


class TestLaws:
    @given(all_facts())
    def test_automation_never_gets_a_tag(self, given_facts: Facts) -> None:
        decision = decide(replace(given_facts, author=Author.AUTOMATION))
        assert decision.tag == ""
        assert decision.verdict != Verdict.HUMAN_AGENT

    @given(all_facts())
    def test_no_feature_no_tag(self, given_facts: Facts) -> None:
        assert decide(replace(given_facts, human_agent=False)).tag == ""

    @given(all_facts(), st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=9)))
    def test_waiting_never_helps(self, given_facts: Facts, wait: timedelta) -> None:
        later = replace(given_facts, now=given_facts.now + wait)
        strictness = [STRICTNESS.index(decide(each).verdict) for each in (given_facts, later)]
        assert strictness == sorted(strictness)

    @given(all_facts())
    def test_a_refusal_says_why_and_what_to_do(self, given_facts: Facts) -> None:
        decision = decide(given_facts)
        assert decision.sentence
        assert decision.is_allowed or decision.action

    @given(all_facts())
    def test_the_tag_needs_a_person_a_feature_and_a_closed_day(self, given_facts: Facts) -> None:
        decision = decide(given_facts)
        if decision.tag:
            assert given_facts.author == Author.HUMAN
            assert given_facts.human_agent
            assert decision.closes_at is not None
            assert decision.human_agent_until is not None
            assert decision.closes_at <= given_facts.now < decision.human_agent_until

    @given(all_facts())
    def test_what_is_stored_is_what_was_decided(self, given_facts: Facts) -> None:
        decision = decide(given_facts)
        stored = decision.as_json()
        assert stored["verdict"] == decision.verdict.value
        assert stored["sentence"] == decision.sentence
        assert stored["is_held"] is decision.is_held
        assert bool(stored["closes_at"]) is (decision.closes_at is not None)


def test_every_rule_has_words_and_every_word_a_rule() -> None:
    assert {code for _, _, code in RULES} | {"held"} == set(WORDS)


def test_words_are_the_readers_but_the_records_are_english(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Words:
        def __str__(self) -> str:
            return f"in {translation.get_language()}"

    monkeypatch.setitem(WORDS, "open", (Words(), ""))
    with translation.override("ka"):
        decision: Decision = decide(facts())
        assert decision.sentence == "in ka"
        assert decision.as_json()["sentence"] == "in en"


def item(**content: Any) -> dict[str, Any]:
    """Return a delivery of one item of the customer's, a minute after the first message."""
    base = {"sender": {"id": CUSTOMER_ID}, "recipient": {"id": ACCOUNT_ID}}
    at = {"timestamp": SENT_AT + 60_000}
    entry = {"id": ACCOUNT_ID, "time": SENT_AT, "messaging": [base | at | content]}
    return {"object": "instagram", "entry": [entry]}


def fixture(name: str) -> dict[str, Any]:
    """Return a fixture of the customer's, moved to a minute after the first message."""
    payload = load(name)
    for entry in payload["entry"]:
        for wrapper in ("messaging", "standby"):
            for each in entry.get(wrapper, []):
                each["timestamp"] = SENT_AT + 60_000
    return dict(payload)


OWN = {"sender": {"id": ACCOUNT_ID}, "recipient": {"id": CUSTOMER_ID}}
ECHO = {"mid": "m-echo", "text": "On its way", "is_echo": True}
# Row of OPENS_WINDOW → what Meta delivers for it.
DELIVERED: dict[str, Callable[[], Any]] = {
    "message": lambda: text_payload("m-2", timestamp=SENT_AT + 60_000),
    "quick_reply": lambda: fixture("quick_reply"),
    "story_reply": lambda: fixture("story_reply"),
    "story_mention": lambda: fixture("story_mention"),
    "ad_referral": lambda: fixture("ad_referral"),
    "standby_message": lambda: fixture("standby_text"),
    "postback": lambda: fixture("postback"),
    "referral": lambda: fixture("referral"),
    "reaction": lambda: item(reaction={"mid": "m-1", "action": "react", "emoji": "❤️"}),
    "edit": lambda: item(message_edit={"mid": "m-1", "text": "Hello!", "num_edit": 1}),
    "unsend": lambda: item(message={"mid": "m-1", "is_deleted": True}),
    "seen": lambda: item(read={"mid": "m-1"}),
    "comment": lambda: load("comments"),
    "own_message": lambda: item(**OWN, message=ECHO),
}


@pytest.mark.django_db
class TestWhatOpensTheWindow:
    """The table against applying itself, with deliveries as Meta makes them."""

    @pytest.fixture(autouse=True)
    def _first_message(self) -> None:
        make_account(instagram_account_id=ACCOUNT_ID)
        self.receive(text_payload("m-1", timestamp=SENT_AT))

    def receive(self, payload: dict[str, Any]) -> None:
        store_delivery(encode(payload))
        while apply_pending():
            pass

    def opened_at(self) -> datetime | None:
        return Conversation.objects.get(contact__igsid=CUSTOMER_ID).last_inbound_at

    def test_every_row_has_its_delivery(self) -> None:
        assert set(DELIVERED) == set(OPENS_WINDOW)

    @pytest.mark.parametrize("what", sorted(OPENS_WINDOW))
    def test_it_moves_the_clock_or_leaves_it(self, what: str) -> None:
        before = self.opened_at()
        assert before == datetime.fromtimestamp(SENT_AT / 1000, UTC)
        self.receive(DELIVERED[what]())
        moved = before + timedelta(minutes=1)
        assert self.opened_at() == (moved if OPENS_WINDOW[what] else before)

    def test_a_late_delivery_of_an_old_message_moves_nothing_back(self) -> None:
        before = self.opened_at()
        self.receive(text_payload("m-0", timestamp=SENT_AT - 60_000))
        assert self.opened_at() == before

    def test_only_the_business_wrote(self) -> None:
        echo = item(sender={"id": ACCOUNT_ID}, recipient={"id": "1020304050607099"}, message=ECHO)
        self.receive(echo)
        conversation = Conversation.objects.get(contact__igsid="1020304050607099")
        assert conversation.last_inbound_at is None
