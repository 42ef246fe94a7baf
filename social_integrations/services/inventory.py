"""The one table of where personal data is kept and how it is erased.

Erasing and exporting work through it, and docs/privacy.md prints it. A model that stands neither
here nor in `NOT_ABOUT_CUSTOMERS` fails a test.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.db.models import Model, QuerySet

from social_integrations.models import (
    Attachment,
    AwayMessage,
    CallBudget,
    CannedReply,
    ConnectedAccount,
    Contact,
    Conversation,
    DeletionRequest,
    Heartbeat,
    IceBreaker,
    Job,
    MenuEntry,
    Message,
    MessageEdit,
    MessengerProfile,
    Note,
    OAuthAttempt,
    OpeningHours,
    PendingGrant,
    PrivateReply,
    Reaction,
    Reconciliation,
    Tombstone,
    Upload,
    WebhookEvent,
)

from . import jobs, traces


class People:
    """Contacts looked up once, and what hangs on them."""

    def __init__(self, contacts: QuerySet[Contact]) -> None:
        self.contacts = list(contacts.select_related("account").defer("account__access_token"))
        self.keys = [contact.pk for contact in self.contacts]

    @property
    def messages(self) -> QuerySet[Message]:
        """All messages of their conversations, either way."""
        return Message.objects.filter(conversation__contact__in=self.keys)


Find: TypeAlias = Callable[[People], Iterator[QuerySet[Any]]]


@dataclass(frozen=True, slots=True)
class Store:
    """A place where personal data is kept."""

    name: str
    holds: str
    erased: str
    """When and how, in words."""
    model: type[Model] | None = None
    find: Find | None = None
    """What it holds about people; None where it is not erased person by person."""
    others_too: Find | None = None
    """What names others as well: erased along, but in nobody's export."""


def _jobs(people: People) -> Iterator[QuerySet[Any]]:
    yield jobs.about(
        {
            "contact": Contact.objects.filter(pk__in=people.keys),
            "conversation": Conversation.objects.filter(contact__in=people.keys),
            "message": people.messages,
            "attachment": Attachment.objects.filter(message__in=people.messages),
        }
    )


def _events(people: People) -> Iterator[QuerySet[Any]]:
    return traces.separable(people.contacts)


def _unreadable_events(people: People) -> Iterator[QuerySet[Any]]:
    return traces.inseparable(people.contacts)


def _edits(people: People) -> Iterator[QuerySet[Any]]:
    yield MessageEdit.objects.filter(message__in=people.messages)


def _reactions(people: People) -> Iterator[QuerySet[Any]]:
    yield Reaction.objects.filter(message__in=people.messages)


def _attachments(people: People) -> Iterator[QuerySet[Any]]:
    yield Attachment.objects.filter(message__in=people.messages)


def _private_replies(people: People) -> Iterator[QuerySet[Any]]:
    yield PrivateReply.objects.filter(message__in=people.messages)


def _uploads(people: People) -> Iterator[QuerySet[Any]]:
    held = Attachment.objects.filter(message__in=people.messages)
    yield Upload.objects.filter(pk__in=held.values("upload"))


def _notes(people: People) -> Iterator[QuerySet[Any]]:
    yield Note.objects.filter(conversation__contact__in=people.keys)


def _messages(people: People) -> Iterator[QuerySet[Any]]:
    yield people.messages


def _conversations(people: People) -> Iterator[QuerySet[Any]]:
    yield Conversation.objects.filter(contact__in=people.keys)


def _contacts(people: People) -> Iterator[QuerySet[Any]]:
    yield Contact.objects.filter(pk__in=people.keys)


WITH_PERSON = "with the person"
WITH_ACCOUNT = "with the account"

# In the order they are erased: the ledger first, which waits for a worker that is applying it,
# then from the leaves to the person.
STORES: tuple[Store, ...] = (
    Store(
        "Delivery ledger",
        "every item as Meta sent it, also those that wait, failed or were not understood",
        f"{WITH_PERSON}: items that name them, hold or wait for their messages, or contain their "
        "id in a body nobody could take apart; applied ones after 30 days "
        "(`INSTAGRAM_LEDGER_DAYS`)",
        WebhookEvent,
        _events,
        _unreadable_events,
    ),
    Store("Jobs", "row numbers of what is to be done", WITH_PERSON, Job, _jobs),
    Store("Edits", "later texts of a message", WITH_PERSON, MessageEdit, _edits),
    Store("Reactions", "emoji, who and when", WITH_PERSON, Reaction, _reactions),
    Store(
        "Files staff sent",
        "files, under random names, with the names they had; also what was chosen and not sent",
        f"{WITH_PERSON} or when the message is unsent; what nobody sent, after a day",
        Upload,
        _uploads,
    ),
    Store("Attachments", "links, titles, Meta's media ids", WITH_PERSON, Attachment, _attachments),
    Store(
        "Copies of media",
        "files, where `INSTAGRAM_ARCHIVE_MEDIA` is on",
        f"{WITH_PERSON}, before their rows, from the storage they are in",
    ),
    Store(
        "Private replies",
        "the text, and the id of the comment it answers",
        f"{WITH_PERSON}; one nobody got, with the account",
        PrivateReply,
        _private_replies,
    ),
    Store(
        "Messages",
        "texts of both sides, times, the story, ad or button they came from",
        WITH_PERSON,
        Message,
        _messages,
    ),
    Store("Notes", "what staff wrote down beside a conversation", WITH_PERSON, Note, _notes),
    Store("Conversations", "state and clocks", WITH_PERSON, Conversation, _conversations),
    Store(
        "Contacts",
        "Instagram-scoped id, username, name, link to the picture, your CRM's reference",
        WITH_PERSON,
        Contact,
        _contacts,
    ),
    Store(
        "Connected accounts",
        "the business's ids, names, encrypted token; the app-scoped id of who consented",
        f"{WITH_ACCOUNT}; the token at once when the app is removed at Meta",
        ConnectedAccount,
    ),
    Store("Comparisons with Meta", "counts and cursors", WITH_ACCOUNT, Reconciliation),
    Store(
        "Deletion requests",
        "the app-scoped id Meta sent",
        "once the request is settled; a keyed hash, states, times and counts stay as evidence",
        DeletionRequest,
    ),
    Store(
        "Tombstones",
        "a keyed hash of account and person: that they were erased",
        "30 days after the erasure",
        Tombstone,
    ),
    Store(
        "Admin's history",
        "row numbers and what staff did; no names, ids of Meta's or texts",
        "not erased: it proves the erasure",
    ),
    Store(
        "Server logs",
        "row numbers, ids of business accounts; no texts, no ids of customers",
        "with the log files: their retention is the operator's",
    ),
    Store(
        "Cache",
        "addresses of refused requests, for minutes; counts of refusals by day",
        "by itself, after two days at most",
    ),
    Store("Backups", "all of the above", "overwritten after 30 days at most: see operations.md"),
)

NOT_ABOUT_CUSTOMERS: dict[type[Model], str] = {
    PendingGrant: "what a consent granted, until accounts are picked; encrypted, for ten minutes",
    CannedReply: "canned replies; names come in when they are inserted",
    CallBudget: "when an account may call Meta again; times only",
    Heartbeat: "when the worker was last alive; one time only",
    MessengerProfile: "what Instagram offers everybody; the business's own words",
    IceBreaker: "a question offered to everybody",
    MenuEntry: "an entry of the menu everybody sees",
    AwayMessage: "what is answered to everybody outside the opening hours",
    OpeningHours: "when the business answers",
    OAuthAttempt: "staff on their way to Meta's dialog; hashes only, deleted after a day",
}
