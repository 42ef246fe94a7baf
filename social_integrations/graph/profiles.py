"""A customer's profile."""

from .client import GraphReader
from .reading import read_link, read_text
from .types import Profile


def fetch_profile(client: GraphReader, igsid: str) -> Profile:
    """Return the name, username and picture of somebody who wrote to the account.

    Meta: any of them may be null, and the picture link dies after a few days. Raises
    `GraphRefusedError` 230 (no consent yet), 100 or 9010 (unknown person); none of them may
    stop a message.
    """
    answer = client.get(igsid, {"fields": "name,username,profile_pic"})
    return Profile(
        name=read_text(answer, "name"),
        username=read_text(answer, "username"),
        profile_picture_url=read_link(answer, "profile_pic"),
    )
