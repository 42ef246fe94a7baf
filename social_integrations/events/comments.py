"""What a comment's item says: its id, its words and who wrote them."""

from dataclasses import dataclass, field
from typing import Any

from .envelope import messaging_item
from .reading import identifier, mapping, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment below a post, a reel or a live video; what Meta left out is empty."""

    comment_id: str
    text: str = field(default="", repr=False)
    username: str = field(default="", repr=False)


def read_comment(wrapper: str, payload: Any) -> Comment:
    """Return the comment of a ledger item.

    Meta: documents for Facebook Login show `comment_id`, deliveries carry `id`.
    """
    value = messaging_item(wrapper, payload)
    return Comment(
        comment_id=identifier(value.get("id")) or identifier(value.get("comment_id")),
        text=text(value.get("text")),
        username=text(mapping(value.get("from")).get("username")),
    )
