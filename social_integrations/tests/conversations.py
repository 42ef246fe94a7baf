"""Generated conversations of every kind, and what they look like in the end."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from hypothesis import strategies as st

from social_integrations.events.envelope import CONVERSATIONS
from social_integrations.models import ConnectedAccount, Conversation, WebhookEvent
from social_integrations.representations import conversation_json, message_json
from social_integrations.services.applying import apply_pending
from social_integrations.services.intake import store_delivery, store_imported
from social_integrations.tests.payloads import ACCOUNT_ID, SENT_AT, encode

Item = dict[str, Any]
Placed = tuple[str, Item]
"""A wrapper and the item that stands in it."""

CUSTOMERS = ("1020304050607080", "77")
MIDS = tuple(f"m-{number}" for number in range(5))
OUR_CLOCK_AND_NUMBERS = ("id", "conversation", "received_at", "account")
ATTACHMENTS = st.sampled_from(
    [
        {"type": "image", "payload": {"url": "https://cdn.example/1"}},
        {"type": "audio", "payload": {"url": "https://cdn.example/2"}},
        {"type": "ig_post", "payload": {"url": "https://cdn.example/3", "title": "Boots"}},
        {"type": "share", "payload": {"url": "https://cdn.example/3"}},
        {"type": "story_mention", "payload": {"url": "https://cdn.example/4"}},
        {"type": "like_heart"},
        {"type": "hologram", "payload": {}},
        {"type": "template", "payload": {"generic": {"elements": [{"title": "Card"}]}}},
    ]
)
MOMENTS = st.integers(0, 40).map(lambda number: SENT_AT + number * 500)


def _item(customer: str, moment: Any, *, echo: bool = False, **content: Any) -> Item:
    sender, recipient = (ACCOUNT_ID, customer) if echo else (customer, ACCOUNT_ID)
    parties = {"sender": {"id": sender}, "recipient": {"id": recipient}}
    return {**parties, "timestamp": moment, **content}


@st.composite
def messages(draw: st.DrawFn, mid: str, customer: str) -> Item:
    """Draw a message or an echo; its text names it, so that it can be found again."""
    echo = draw(st.booleans())
    message: Item = {"mid": mid}
    if draw(st.booleans()):
        message["text"] = f"text of {mid} {draw(st.integers(0, 1))}"
    if draw(st.booleans()):
        message["attachments"] = draw(st.lists(ATTACHMENTS, min_size=1, max_size=3))
    if draw(st.integers(0, 3)) == 0:
        message["reply_to"] = draw(
            st.sampled_from(
                [{"mid": MIDS[0]}, {"story": {"id": "9", "url": "https://cdn.example/s"}}]
            )
        )
    if draw(st.integers(0, 4)) == 0:
        message["referral"] = {"ref": f"text of {mid} ad", "source": "ADS"}
    if echo:
        message |= {"is_echo": True} | draw(st.sampled_from([{}, {"app_id": 999000111}]))
    return _item(customer, draw(MOMENTS), echo=echo, message=message)


@st.composite
def changes(draw: st.DrawFn, mid: str, customer: str) -> Item:
    """Draw something that happens to a message, whether it ever came or not."""
    moment = draw(MOMENTS)
    kind = draw(st.sampled_from(["edit", "edit", "unsend", "react", "unreact", "read"]))
    if kind == "edit":
        number = draw(st.integers(0, 3))
        text = f"text of {mid} edited {number} {draw(st.integers(0, 1))}"
        edit = {"mid": mid, "text": text, "num_edit": draw(st.sampled_from([number, str(number)]))}
        return _item(customer, moment, message_edit=edit)
    if kind == "unsend":
        return _item(customer, moment, message={"mid": mid, "is_deleted": True})
    if kind == "read":
        return _item(customer, moment, read={"mid": mid})
    reaction: Item = {"mid": mid, "action": kind}
    if kind == "react":
        reaction |= {"emoji": draw(st.sampled_from("❤😮")), "reaction": "love"}
    return _item(customer, moment, reaction=reaction)


@st.composite
def others(draw: st.DrawFn, customer: str) -> Item:
    """Draw what has no message id: taps, links, handovers, messages Meta gave none."""
    moment = draw(MOMENTS)
    contents: list[Item] = [
        {"postback": {"title": "Hours", "payload": "HOURS"}},
        {"postback": {"mid": "m-postback", "title": "Agent", "payload": "AGENT"}},
        {"referral": {"ref": "poster", "source": "SHORTLINK"}},
        {"message": {"text": "no id"}},
        {"pass_thread_control": {"new_owner_app_id": "222"}},
        {"take_thread_control": {"new_owner_app_id": "111"}},
        {"request_thread_control": {"requested_owner_app_id": "222"}},
        {"optin": {"payload": "NEWS"}},
    ]
    return _item(customer, moment, **draw(st.sampled_from(contents)))


@st.composite
def histories(draw: st.DrawFn) -> list[Placed]:
    """Draw two conversations of an account as a list of items, in the order they happened.

    Some messages never come, some come in two wrappers, with two contents for one id, or are read
    from the Conversations API as well.
    """
    history: list[Item] = []
    copies: list[Placed] = []
    for place, mid in enumerate(draw(st.lists(st.sampled_from(MIDS), unique=True, min_size=2))):
        customer = CUSTOMERS[place] if place < 2 else draw(st.sampled_from(CUSTOMERS))
        history += draw(st.lists(messages(mid, customer), max_size=2))
        history += draw(st.lists(changes(mid, customer), max_size=4))
        if draw(st.integers(0, 2)) == 0:
            copies.append((CONVERSATIONS, _graph_object(draw(messages(mid, customer)))))
    history += draw(st.lists(others(CUSTOMERS[0]), max_size=3))
    wrappers = st.sampled_from(["messaging", "messaging", "standby", "changes"])
    placed = [(draw(wrappers), item) for item in history]
    twice = draw(st.lists(st.sampled_from(history), max_size=2)) if history else []
    return [*placed, *((draw(wrappers), item) for item in twice), *copies]


def _graph_object(item: Item) -> Item:
    """Return a delivered message as the Conversations API shows it: whole seconds, other words."""
    message = item["message"]
    moment = datetime.fromtimestamp(item["timestamp"] // 1000, UTC)
    return {
        "id": message["mid"],
        "created_time": f"{moment:%Y-%m-%dT%H:%M:%S}+0000",
        "from": item["sender"],
        "to": {"data": [item["recipient"]]},
        "message": message.get("text", ""),
        "reactions": {"data": [{"reaction": "love", "users": [{"id": CUSTOMERS[0]}]}]},
    }


def deliver(placed: Sequence[Placed]) -> None:
    """Put items into the ledger: deliveries as one POST, copies of Graph as reconciling does."""
    entries = [
        {"id": ACCOUNT_ID, "time": SENT_AT, wrapper: [_wrapped(wrapper, item)]}
        for wrapper, item in placed
        if wrapper != CONVERSATIONS
    ]
    if entries:
        store_delivery(encode({"object": "instagram", "entry": entries}))
    copies = [item for wrapper, item in placed if wrapper == CONVERSATIONS]
    store_imported(ConnectedAccount.objects.get(instagram_account_id=ACCOUNT_ID), copies)


def _wrapped(wrapper: str, item: Item) -> Item:
    return {"field": "messages", "value": item} if wrapper == "changes" else item


def deliver_at_once(placed: Sequence[Placed]) -> None:
    """Deliver everything in order and apply it."""
    deliver(placed)
    apply_all()


def apply_all(limit: int | None = None) -> None:
    """Apply until nothing is left to be applied."""
    while apply_pending(limit):
        pass


def canonical() -> bytes:
    """Return every conversation as JSON, without our row numbers and our clock."""
    conversations = Conversation.objects.select_related("contact").order_by("contact__igsid")
    found = [
        {**_without_numbers(conversation_json(conversation)), "messages": _messages(conversation)}
        for conversation in conversations
    ]
    return json.dumps(found, cls=DjangoJSONEncoder, sort_keys=True, indent=1).encode()


def _messages(conversation: Conversation) -> list[Any]:
    stored = conversation.messages.select_related("conversation__contact").prefetch_related(
        "attachments", "reactions", "versions"
    )
    shown = [_without_numbers(message_json(message)) for message in stored]
    return sorted(shown, key=lambda one: json.dumps(one, cls=DjangoJSONEncoder, sort_keys=True))


def _without_numbers(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_numbers(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _without_numbers(inner)
        for name, inner in value.items()
        if name not in OUR_CLOCK_AND_NUMBERS
    }


def verdicts() -> dict[str, str]:
    """Return what became of each ledger item, by its fingerprint."""
    return dict(WebhookEvent.objects.values_list("event_key", "status"))
