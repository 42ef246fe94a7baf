"""Meta's Conversations API: threads, their newest messages, and one message by its id."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from social_integrations.exceptions import GraphRefusedError

from .client import GraphReader
from .errors import ErrorKind, explain
from .reading import read_date, read_object, read_objects, read_text

# Meta: of one thread, only the 20 newest messages can be read; older ones are as good as deleted.
READABLE = 20
THREADS_PER_PAGE = 50
THREAD_FIELDS = "id,updated_time"
BASIC_FIELDS = "id,created_time,from,to,message,attachments"
MESSAGE_FIELDS = f"{BASIC_FIELDS},shares{{id,link,name}},story,reactions,reply_to,is_unsupported"
INVALID_PARAMETER = 100
# Refusals that no other spelling of the same question would change.
FINAL_KINDS = frozenset({ErrorKind.AUTH, ErrorKind.PERMISSION, ErrorKind.THROTTLED, ErrorKind.APP})


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation at Meta; `updated_at` is None where Meta does not say."""

    id: str
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class ThreadPage:
    """A page of conversations; `after` is the cursor of the next one, empty on the last."""

    threads: tuple[Thread, ...]
    after: str


@dataclass(frozen=True, slots=True)
class NewestMessages:
    """The newest messages of a thread, newest first, as Meta gives them."""

    messages: tuple[dict[str, Any], ...]
    takes_expansion: bool
    """Whether it is worth asking for the content along with the ids the next time."""


def list_threads(
    client: GraphReader, root: str, *, after: str = "", limit: int = THREADS_PER_PAGE
) -> ThreadPage:
    """Return a page of an account's conversations, newest first; `root` is the Page's id, or `me`.

    Meta: `GET /{page}/conversations?platform=instagram` with Facebook Login, `/me/conversations`
    with Instagram Login. Cursor paging only; the last page has no `paging.next`.
    """
    query = {"platform": "instagram", "fields": THREAD_FIELDS, "limit": str(limit)}
    if after:
        query["after"] = after
    answer = client.get(f"{root}/conversations", query, once=True)
    found = (
        Thread(read_text(row, "id"), read_date(row, "updated_time"))
        for row in read_objects(answer, "data")
    )
    return ThreadPage(tuple(thread for thread in found if thread.id), _next_cursor(answer, after))


def find_thread(client: GraphReader, root: str, igsid: str) -> str:
    """Return the id of the conversation with one person, the empty text where Meta shows none."""
    query = {"platform": "instagram", "user_id": igsid, "fields": "id"}
    answer = client.get(f"{root}/conversations", query, once=True)
    return next(
        (name for row in read_objects(answer, "data") if (name := read_text(row, "id"))), ""
    )


def read_newest(client: GraphReader, thread_id: str, *, expand: bool = True) -> NewestMessages:
    """Return the newest messages of a thread, with their content where Meta takes the question.

    The expansion is widely used but not shown on Instagram's page, so a refusal of it is answered
    with the plain form, which gives ids only. Raises `GraphRefusedError` where that is refused too.
    """
    if expand:
        fields = f"messages.limit({READABLE}){{{MESSAGE_FIELDS}}}"
        try:
            answer = client.get(thread_id, {"fields": fields}, once=True)
        except GraphRefusedError as error:
            if explain(error.code, error.subcode).kind in FINAL_KINDS:
                raise
            expand = not _names_a_field(error)
        else:
            return NewestMessages(_messages(answer)[:READABLE], takes_expansion=True)
    answer = client.get(thread_id, {"fields": "messages"}, once=True)
    return NewestMessages(_messages(answer), takes_expansion=expand)


def read_message(client: GraphReader, mid: str) -> dict[str, Any]:
    """Return one message as Meta gives it.

    Raises `GraphRefusedError`: 9000001 where it was deleted or is older than the 20 newest.
    """
    try:
        return client.get(mid, {"fields": MESSAGE_FIELDS}, once=True)
    except GraphRefusedError as error:
        if not _names_a_field(error):
            raise
    # A field Meta does not know (any more) must not cost the message.
    return client.get(mid, {"fields": BASIC_FIELDS}, once=True)


def has_content(message: Mapping[str, Any]) -> bool:
    """Return whether Meta gave more than id and time; it names the sender of all it shows."""
    return bool(read_object(message, "from"))


def _names_a_field(error: GraphRefusedError) -> bool:
    """Return whether Meta refused the question itself, not what it asks about."""
    return (error.code, error.subcode) == (INVALID_PARAMETER, None)


def _messages(thread: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    found = read_objects(read_object(thread, "messages"), "data")
    # An id no database could look up is none.
    return tuple(one for one in found if one.get("id") and one["id"] == read_text(one, "id"))


def _next_cursor(answer: Mapping[str, Any], before: str) -> str:
    paging = read_object(answer, "paging")
    after = read_text(read_object(paging, "cursors"), "after")
    # A cursor that does not move would go on for ever.
    return after if paging.get("next") and after != before else ""
