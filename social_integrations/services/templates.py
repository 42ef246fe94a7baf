"""Generic and button templates as Meta takes them (section 4.6 of the reference)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from social_integrations.exceptions import DraftError

from .public_links import check_link
from .texts import byte_length, clean_line, clean_text, is_blank

MAX_ELEMENTS = 10
MAX_BUTTONS = 3
MAX_TITLE = 80
MAX_BUTTON_TEXT = 640
MAX_BUTTON_TITLE = 20  # Meta: said for Messenger, whose templates these are
MAX_PAYLOAD_BYTES = 1000

Clean: TypeAlias = Callable[[Any], Any]


def check_template(payload: object) -> dict[str, Any]:
    """Return Meta's payload of a template, rebuilt from what is known to be right.

    Raises `DraftError` that says what is wrong and where.
    """
    given = payload if isinstance(payload, Mapping) else {}
    fields = TEMPLATES.get(str(given.get("template_type")))
    if fields is None:
        raise DraftError(
            "template_type",
            gettext("Instagram takes two kinds of template: generic and button."),
            gettext("Choose one of them."),
        )
    return _rebuilt(given, fields, required=frozenset(fields))


def _rebuilt(
    given: object, fields: Mapping[str, Clean], required: frozenset[str]
) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise _shape(gettext("A part of the template is not built as Instagram expects."))
    names = [str(name)[:40] for name in given]
    if unknown := [clean_line(name) for name in names if name not in fields]:
        raise _shape(gettext("Instagram does not know “{name}” here.").format(name=unknown[0]))
    if missing := sorted(required - set(names)):
        raise _shape(gettext("“{name}” is missing in the template.").format(name=missing[0]))
    return {name: clean(given[name]) for name, clean in fields.items() if name in given}


def _line(what: str, limit: int) -> Clean:
    def clean(value: object) -> str:
        line = clean_line(value) if isinstance(value, str) and len(value) < 10_000 else ""
        if is_blank(line) or len(line) > limit:
            sentence = gettext("“{name}” needs 1 to {limit} characters.")
            raise DraftError(
                "template_text", sentence.format(name=what, limit=limit), gettext("Shorten it.")
            )
        return line

    return clean


def _body(value: object) -> str:
    text = clean_text(value).strip() if isinstance(value, str) and len(value) < 10_000 else ""
    if is_blank(text) or len(text) > MAX_BUTTON_TEXT:
        sentence = gettext("The text above the buttons needs 1 to {limit} characters.")
        raise DraftError(
            "template_text", sentence.format(limit=MAX_BUTTON_TEXT), gettext("Shorten it.")
        )
    return text


def check_payload(value: object) -> str:
    """Return what comes back with a tap; raise `DraftError` if it is empty or too long."""
    text = clean_text(value) if isinstance(value, str) and len(value) < 10_000 else ""
    if not text or byte_length(text) > MAX_PAYLOAD_BYTES:
        sentence = gettext("What comes back with a tap (payload) needs 1 to {limit} bytes.")
        raise DraftError(
            "payload", sentence.format(limit=MAX_PAYLOAD_BYTES), gettext("Shorten it.")
        )
    return text


def _word(*allowed: str) -> Clean:
    def clean(value: object) -> str:
        if value not in allowed:
            raise _shape(
                gettext("Instagram takes only {names} here.").format(names=", ".join(allowed))
            )
        return str(value)

    return clean


def _listed(clean_one: Clean, most: int, what: Promise) -> Clean:
    def clean(value: object) -> list[Any]:
        is_list = isinstance(value, Sequence) and not isinstance(value, str | bytes)
        if not is_list or not 1 <= len(value) <= most:  # type: ignore[arg-type]
            sentence = gettext("Instagram takes 1 to {most} {what} here.")
            raise _shape(sentence.format(most=most, what=what))
        return [clean_one(one) for one in value]  # type: ignore[attr-defined]

    return clean


def _button(value: object) -> dict[str, Any]:
    kind = value.get("type") if isinstance(value, Mapping) else None
    fields = BUTTONS.get(str(kind))
    if fields is None:
        raise _shape(gettext("A button either opens a web page or sends an answer (postback)."))
    return _rebuilt(value, fields, required=frozenset(fields))


def _element(value: object) -> dict[str, Any]:
    rebuilt = _rebuilt(value, ELEMENT, required=frozenset({"title"}))
    if len(rebuilt) < 2:
        raise _shape(
            gettext("A card needs more than its title: a subtitle, a picture, a link or a button.")
        )
    return rebuilt


def _action(value: object) -> dict[str, Any]:
    return _rebuilt(value, ACTION, required=frozenset(ACTION))


def _shape(sentence: str) -> DraftError:
    return DraftError("template", sentence, gettext("Change the template and try again."))


ACTION: Mapping[str, Clean] = {"type": _word("web_url"), "url": check_link}
BUTTONS: Mapping[str, Mapping[str, Clean]] = {
    "web_url": {
        "type": _word("web_url"),
        "url": check_link,
        "title": _line("title", MAX_BUTTON_TITLE),
    },
    "postback": {
        "type": _word("postback"),
        "title": _line("title", MAX_BUTTON_TITLE),
        "payload": check_payload,
    },
}
BUTTON_LIST = _listed(_button, MAX_BUTTONS, _("buttons"))
ELEMENT: Mapping[str, Clean] = {
    "title": _line("title", MAX_TITLE),
    "subtitle": _line("subtitle", MAX_TITLE),
    "image_url": check_link,
    "default_action": _action,
    "buttons": BUTTON_LIST,
}
TEMPLATES: Mapping[str, Mapping[str, Clean]] = {
    "generic": {
        "template_type": _word("generic"),
        "elements": _listed(_element, MAX_ELEMENTS, _("cards")),
    },
    "button": {"template_type": _word("button"), "text": _body, "buttons": BUTTON_LIST},
}
