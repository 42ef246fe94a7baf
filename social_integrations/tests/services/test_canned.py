"""Canned replies are filled in by replacement alone, and say what is wrong with them."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from hypothesis import given
from hypothesis import strategies as st

from social_integrations.models import ConnectedAccount, Contact, Conversation
from social_integrations.services.canned import (
    EXAMPLES,
    VARIABLES,
    Filled,
    fill,
    preview,
    problems_of,
    replace_variables,
)
from social_integrations.tests.factories import make_user


def conversation(**contact: Any) -> Conversation:
    account = ConnectedAccount(name="Boots & Bags", username="bootsandbags")
    person = {"name": "Nino Beridze", "username": "nino.b", "igsid": "1"} | contact
    return Conversation(contact=Contact(account=account, **person))


class TestFilling:
    def test_every_variable_has_a_value_and_an_example(self) -> None:
        text = " | ".join(f"{{{{ {name} }}}}" for name in VARIABLES)
        filled = fill(text, conversation=conversation())
        assert filled == Filled(
            text="Nino Beridze | Nino | nino.b |  | Boots & Bags | bootsandbags", empty=("agent",)
        )
        assert all(EXAMPLES.values())
        assert preview(text).text == " | ".join(EXAMPLES.values())

    @pytest.mark.django_db
    def test_an_agent_is_called_by_their_name_or_else_their_username(self) -> None:
        plain = make_user(username="giorgi")
        named = make_user(first_name="Giorgi", last_name="Maisuradze")
        for agent, expected in ((plain, "giorgi"), (named, "Giorgi Maisuradze")):
            assert fill("{{agent}}", conversation=conversation(), agent=agent).text == expected

    def test_somebody_without_a_name_is_called_by_the_username(self) -> None:
        filled = fill("Hi {{ name }}!", conversation=conversation(name=""))
        assert filled == Filled(text="Hi nino.b!")

    def test_nobody_is_greeted_by_a_number(self) -> None:
        filled = fill(
            "Hi {{ name }}, {{ first_name }}!", conversation=conversation(name="", username="")
        )
        assert filled == Filled(text="Hi , !", empty=("name", "first_name"))

    @pytest.mark.parametrize("spelled", ["{{name}}", "{{  name }}", "{{ Name }}", "{{\tNAME\t}}"])
    def test_spelling_is_forgiven(self, spelled: str) -> None:
        assert fill(spelled, conversation=conversation()).text == "Nino Beridze"

    @pytest.mark.parametrize(
        "untouched",
        [
            "{{ name|upper }}",
            "{{ name.igsid }}",
            "{{ contact.account.access_token }}",
            "{{ }}",
            "{{ nom }}",
        ],
    )
    def test_what_is_not_known_stays_and_is_reported(self, untouched: str) -> None:
        filled = fill(untouched, conversation=conversation())
        assert filled.text == untouched
        assert filled.unknown == (untouched[2:-2].strip(),)

    @pytest.mark.parametrize("text", ["{% load x %}", "{ name }", "{{ na\nme }}", "{{{ }", "100 %"])
    def test_what_is_no_variable_is_text(self, text: str) -> None:
        assert fill(text, conversation=conversation()) == Filled(text=text)

    def test_a_name_is_no_template_and_no_second_variable(self) -> None:
        hostile = "{{ agent }} {% x %} <b>\n\u202eevil\0"
        filled = fill("Hi {{ name }}", conversation=conversation(name=hostile))
        assert filled.text == "Hi {{ agent }} {% x %} <b> evil"
        assert filled.unknown == ()

    def test_a_name_is_cut(self) -> None:
        assert len(fill("{{ name }}", conversation=conversation(name="x" * 255)).text) == 100

    @given(st.text(), st.dictionaries(st.sampled_from([*VARIABLES]), st.text(max_size=20)))
    def test_no_text_breaks_it(self, text: str, values: dict[str, str]) -> None:
        filled = replace_variables(text, values)
        assert set(filled.empty) <= set(values)
        if "{{" not in text:
            assert filled.text == text

    def test_thousands_of_braces_take_a_moment(self) -> None:
        replace_variables("{{" * 50_000 + "{{ " * 50_000, {})


class TestProblems:
    def test_a_good_one_has_none(self) -> None:
        assert problems_of("Hello {{ name }}, this is {{ agent }}.") == []

    @pytest.mark.parametrize(
        ("text", "word"),
        [
            ("Hello {{ nom }}", "“nom”"),
            ("Hello {{ name }", "two braces"),
            ("Hello name }}", "two braces"),
            (" ", "nothing to send"),
            ("x" * 20_001, "more than 20 messages"),
        ],
    )
    def test_each_is_told(self, text: str, word: str) -> None:
        [problem] = problems_of(text)
        assert word in problem

    def test_all_are_told_at_once(self) -> None:
        assert len(problems_of("{{ a }} {{ b }} {{ a }} {{")) == 3


def test_nobody_signed_in_has_no_name() -> None:
    visitor: Any = AnonymousUser()
    assert fill("{{ agent }}", conversation=conversation(), agent=visitor).empty == ("agent",)
