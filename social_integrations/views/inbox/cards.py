"""Templates we sent, as cards: titles and buttons as plain text; nothing of them is loaded."""

from dataclasses import dataclass
from typing import Any

from social_integrations.models import Message
from social_integrations.showing import one_line

TITLE_LENGTH = 160
TEXT_LENGTH = 640
MOST_CARDS = 10
MOST_BUTTONS = 3


@dataclass(frozen=True, slots=True)
class Card:
    """One card of a template."""

    title: str
    subtitle: str
    buttons: list[str]


def cards_of(message: Message) -> list[Card]:
    """Return the cards of a generic or button template; empty for every other message."""
    template = message.template
    if message.unsent_at or not isinstance(template, dict):
        return []
    elements = template.get("elements")
    if not isinstance(elements, list):
        elements = [{"title": template.get("text"), "buttons": template.get("buttons")}]
    return [_card(one) for one in elements[:MOST_CARDS] if isinstance(one, dict)]


def _card(element: dict[str, Any]) -> Card:
    buttons = element.get("buttons")
    listed = buttons if isinstance(buttons, list) else []
    return Card(
        title=one_line(element.get("title") or "", TEXT_LENGTH),
        subtitle=one_line(element.get("subtitle") or "", TITLE_LENGTH),
        buttons=[
            one_line(button.get("title") or "", 40)
            for button in listed[:MOST_BUTTONS]
            if isinstance(button, dict)
        ],
    )
