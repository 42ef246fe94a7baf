"""A mixture of all kinds of events, weighted like the traffic of a shop."""

import random
from collections.abc import Callable
from typing import Any

from scripts.lib import load
from social_integrations.tests.payloads import ACCOUNT_ID, encode

Item = dict[str, Any]

PEOPLE = 500
STARTED_AT = 1795340000000


class Mixture:
    """Makes items one after the other; later ones refer to messages made before."""

    def __init__(self, name: str) -> None:
        """Begin with nothing; the same name gives the same items."""
        self._name = name
        self._chance = random.Random(name)  # noqa: S311 - repeatable, not secret
        self._sent: list[tuple[str, str]] = []
        self._made = 0

    def delivery(self, count: int) -> bytes:
        """Return one delivery of so many items."""
        items = [self._item() for _ in range(count)]
        entry = {"id": ACCOUNT_ID, "time": STARTED_AT, "messaging": items}
        return encode({"object": "instagram", "entry": [entry]})

    def _item(self) -> Item:
        self._made += 1
        make = self._chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        return make(self)

    def _envelope(self, person: str, *, echo: bool = False, **content: Any) -> Item:
        sender, recipient = (ACCOUNT_ID, person) if echo else (person, ACCOUNT_ID)
        parties = {"sender": {"id": sender}, "recipient": {"id": recipient}}
        return {**parties, "timestamp": STARTED_AT + self._made, **content}

    def message(self, *, echo: bool = False, **more: Any) -> Item:
        """Make a text, or with `more` something else that is sent."""
        person = str(10**15 + self._chance.randrange(PEOPLE))
        mid = f"aWdfZAG1{self._name}-{self._made}-".ljust(40, "Z")
        mid += self._chance.randbytes(70).hex()
        self._sent = [*self._sent[-1000:], (mid, person)]
        message = {"mid": mid, **(more or {"text": self._text()})}
        return self._envelope(
            person, echo=echo, message=message | ({"is_echo": True} if echo else {})
        )

    def echo(self) -> Item:
        """Make an answer of the shop."""
        return self.message(echo=True)

    def picture(self) -> Item:
        """Make a message with a picture."""
        url = f"https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id={self._made}&signature=x"
        return self.message(attachments=[{"type": "image", "payload": {"url": url}}])

    def read(self) -> Item:
        """Make a read receipt."""
        mid, person = self._earlier()
        return self._envelope(person, read={"mid": mid})

    def reaction(self) -> Item:
        """Make a reaction."""
        mid, person = self._earlier()
        reaction = {"mid": mid, "action": "react", "reaction": "love", "emoji": "❤"}
        return self._envelope(person, reaction=reaction)

    def edit(self) -> Item:
        """Make an edit."""
        mid, person = self._earlier()
        return self._envelope(
            person, message_edit={"mid": mid, "text": self._text(), "num_edit": 1}
        )

    def unsend(self) -> Item:
        """Make an unsend."""
        mid, person = self._earlier()
        return self._envelope(person, message={"mid": mid, "is_deleted": True})

    def postback(self) -> Item:
        """Make a tapped button."""
        person = str(10**15 + self._chance.randrange(PEOPLE))
        return self._envelope(person, postback={"title": "Hours", "payload": "HOURS"})

    def _earlier(self) -> tuple[str, str]:
        return self._chance.choice(self._sent) if self._sent else ("unknown", str(10**15))

    def _text(self) -> str:
        return " ".join(self._chance.choices(load.WORDS, k=20))


WEIGHTS: dict[Callable[[Mixture], Item], int] = {
    Mixture.message: 45,
    Mixture.echo: 25,
    Mixture.read: 12,
    Mixture.picture: 9,
    Mixture.reaction: 4,
    Mixture.postback: 2,
    Mixture.edit: 2,
    Mixture.unsend: 1,
}
