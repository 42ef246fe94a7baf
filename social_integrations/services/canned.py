"""Canned replies: their variables, filled in by a plain replacement, and what is wrong in one.

A text is never run as a template: what a customer calls themselves ends up in it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from social_integrations.exceptions import DraftError
from social_integrations.models import ConnectedAccount, Contact, Conversation

from .colleagues import person_name
from .drafts import Draft, Part, cut
from .texts import clean_line

# Braces within braces are no variable; neither is a line break.
VARIABLE = re.compile(r"\{\{[ \t]*([^{}\n]{0,64}?)[ \t]*\}\}")
STRAY_BRACES = re.compile(r"\{\{|\}\}")
MAX_VALUE = 100


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Who answers whom, and through which account."""

    contact: Contact
    account: ConnectedAccount
    agent: AbstractBaseUser | None


@dataclass(frozen=True, slots=True)
class Variable:
    """A name that may stand in braces: what it becomes, in words, an example, and how."""

    meaning: Promise
    example: str
    read: Callable[[Circumstances], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A text with its variables filled in."""

    text: str
    unknown: tuple[str, ...] = ()
    """Names nobody knows; they stay in the text as they are."""
    empty: tuple[str, ...] = ()
    """Known names without a value here: somebody should look before sending."""


def _agent_name(found: Circumstances) -> str:
    return person_name(found.agent) if found.agent else ""


def _name(found: Circumstances) -> str:
    return found.contact.name or found.contact.username


def _first_name(found: Circumstances) -> str:
    return next(iter(_name(found).split()), "")


# The table of docs/what-meta-takes.md.
VARIABLES: Mapping[str, Variable] = {
    "name": Variable(_("the customer's name, or username"), "Nino Beridze", _name),
    "first_name": Variable(_("the first word of that name"), "Nino", _first_name),
    "username": Variable(
        _("the customer's Instagram username"), "nino.b", lambda found: found.contact.username
    ),
    "agent": Variable(_("whoever is answering"), "Giorgi", _agent_name),
    "account": Variable(
        _("the business's name, or username"),
        "Boots & Bags",
        lambda found: found.account.name or found.account.username,
    ),
    "account_username": Variable(
        _("the business's Instagram username"), "bootsandbags", lambda found: found.account.username
    ),
}
EXAMPLES = {name: variable.example for name, variable in VARIABLES.items()}


def fill(text: str, *, conversation: Conversation, agent: AbstractBaseUser | None = None) -> Filled:
    """Return a canned reply for this conversation; reads its contact and account."""
    contact = conversation.contact
    found = Circumstances(contact, contact.account, agent)
    return replace_variables(
        text, {name: variable.read(found) for name, variable in VARIABLES.items()}
    )


def preview(text: str) -> Filled:
    """Return the answer as it might look, with made-up names."""
    return replace_variables(text, EXAMPLES)


def replace_variables(text: str, values: Mapping[str, str]) -> Filled:
    """Replace `{{ name }}` once; what a value holds is not looked at again."""
    unknown: list[str] = []
    empty: list[str] = []

    def put(match: re.Match[str]) -> str:
        name = match[1].lower()
        if name not in values:
            unknown.append(clean_line(match[1]))
            return match[0]
        value = clean_line(values[name])[:MAX_VALUE]
        if not value:
            empty.append(name)
        return value

    filled = VARIABLE.sub(put, text)
    return Filled(
        text=filled, unknown=tuple(dict.fromkeys(unknown)), empty=tuple(dict.fromkeys(empty))
    )


def parts_of(text: str) -> tuple[Part, ...]:
    """Return the messages the answer would become with made-up names; raises `DraftError`."""
    return cut(Draft(text=preview(text).text))


def problems_of(text: str) -> list[str]:
    """Return what is wrong in a canned reply, in words for whoever writes it."""
    found = []
    known = ", ".join(VARIABLES)
    for name in preview(text).unknown:
        sentence = gettext("“{name}” is no variable. There are: {known}.")
        found.append(sentence.format(name=name, known=known))
    if STRAY_BRACES.search(VARIABLE.sub("", text)):
        found.append(gettext("A variable stands in two braces on each side: {{ name }}."))
    try:
        parts_of(text)
    except DraftError as error:
        found.append(f"{error.message} {error.action}")
    return found
