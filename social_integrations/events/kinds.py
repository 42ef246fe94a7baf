"""What kinds of items Meta sends, and how each is recognised: the one table."""

from typing import Any

from .reading import identifier, mapping, party

MESSAGE = "message"
MESSAGE_ECHO = "message_echo"
MESSAGE_DELETED = "message_deleted"
MESSAGE_EDIT = "message_edit"
REACTION = "reaction"
READ = "read"
POSTBACK = "postback"
REFERRAL = "referral"
HANDOVER = "handover"
OPTIN = "optin"
POLICY_ENFORCEMENT = "policy_enforcement"
RESPONSE_FEEDBACK = "response_feedback"
UNKNOWN = "unknown"
MESSENGER = "messenger"  # `object: page`, events of a Facebook Page's own inbox

# The key that makes a messaging item what it is → our name of the kind; the first one that holds an
# object wins: a change of a Page's feed has a text called `message`.
# `message` is split further.
KEYS = {
    "message": MESSAGE,
    "message_edit": MESSAGE_EDIT,
    "reaction": REACTION,
    "read": READ,
    "postback": POSTBACK,
    "referral": REFERRAL,
    "optin": OPTIN,
    "pass_thread_control": HANDOVER,
    "take_thread_control": HANDOVER,
    "request_thread_control": HANDOVER,
    "app_roles": HANDOVER,
    "pass_thread_metadata": HANDOVER,
    "policy_enforcement": POLICY_ENFORCEMENT,
    "policy-enforcement": POLICY_ENFORCEMENT,  # Messenger's spelling
    "response_feedback": RESPONSE_FEEDBACK,
}
# Fields of `changes` that are not messaging items in another wrapper.
COMMENTS = ("comments", "live_comments")
CHANGE_FIELDS = frozenset({*COMMENTS, "mentions", "story_insights", "messaging_policy_enforcement"})
OTHERS = (MESSAGE_ECHO, MESSAGE_DELETED, *sorted(CHANGE_FIELDS), MESSENGER, UNKNOWN)
ALL = tuple(dict.fromkeys([*KEYS.values(), *OTHERS]))
# Understood and kept, but no part of a conversation.
NOT_SHOWN = CHANGE_FIELDS | {OPTIN, POLICY_ENFORCEMENT, RESPONSE_FEEDBACK}
# The dashboard's Test button sends these ids (seen by implementers, not documented).
TEST_ACCOUNT = "0"
TEST_PARTIES = frozenset({"12334", "23245"})


def messaging_kind(item: dict[str, Any]) -> str:
    """Return the kind of a messaging item."""
    kind = next((name for key, name in KEYS.items() if isinstance(item.get(key), dict)), UNKNOWN)
    if kind == READ and "mid" not in item["read"]:
        return UNKNOWN  # Messenger's names a moment instead of a message
    if kind != MESSAGE:
        return kind
    message = mapping(item["message"])
    if message.get("is_deleted") is True:
        return MESSAGE_DELETED
    return MESSAGE_ECHO if message.get("is_echo") is True else MESSAGE


def change_kind(field: object) -> str:
    """Return the kind of a `changes` entry whose value is no messaging item."""
    return field if isinstance(field, str) and field in CHANGE_FIELDS else UNKNOWN


def contact_of(item: dict[str, Any], account_id: str) -> str:
    """Return the id that is not the business's: the customer, where the item names one.

    Sender and recipient swap on echoes, which not every item marks; the account's own id tells.
    """
    sender, recipient = party(item, "sender"), party(item, "recipient")
    outbound = sender == account_id or mapping(item.get("message")).get("is_echo") is True
    # A comment names its author in a key of its own.
    return recipient if outbound else sender or identifier(mapping(item.get("from")).get("id"))


def is_test(item: dict[str, Any], account_id: object) -> bool:
    """Return whether the dashboard's Test button sent this: dummy ids, nobody's message."""
    parties = {party(item, "sender"), party(item, "recipient")}
    return identifier(account_id) == TEST_ACCOUNT or parties == TEST_PARTIES
