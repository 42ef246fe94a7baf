"""What Meta told us, as frozen values; tokens stay out of every `repr`."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AppCredentials:
    """The Meta app's id and secret."""

    app_id: str
    app_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenGrant:
    """A token Meta issued; `expires_in` in seconds, None where Meta named no end."""

    access_token: str = field(repr=False)
    expires_in: int | None = None
    permissions: tuple[str, ...] = ()
    """What was granted, where Meta says it along with the token (Instagram Login)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenInspection:
    """What `debug_token` says; None and empty where it does not say.

    Code and subcode say why a token is not valid; they mean nothing for one that is.
    """

    is_valid: bool = True
    error_code: int = 190
    error_subcode: int | None = None
    expires_at: datetime | None = None
    data_access_expires_at: datetime | None = None
    scopes: tuple[str, ...] = ()
    app_id: str = ""
    """The Meta app the token was made for."""
    page_ids: tuple[str, ...] = ()
    """The Pages the permissions are limited to; empty where they cover all."""
    instagram_ids: tuple[str, ...] = ()
    """The Instagram accounts the permissions are limited to; empty where they cover all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The person who consented; the id is scoped to the Meta app."""

    user_id: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstagramAccount:
    """A professional account; `id` is what webhooks carry as `entry.id`."""

    id: str
    username: str = ""
    name: str = ""
    profile_picture_url: str = ""
    app_scoped_id: str = ""
    """The same account as this app sees it; another number (Instagram Login)."""
    account_type: str = ""
    """Meta's word, whatever it is; known are `Business` and `Media_Creator`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A Facebook Page of the person; `tasks` is None where Meta left them out."""

    id: str
    name: str = ""
    access_token: str = field(default="", repr=False)
    tasks: tuple[str, ...] | None = None
    instagram: InstagramAccount | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A customer; every text is empty where Meta answers null. The picture link dies in days."""

    name: str = ""
    username: str = ""
    profile_picture_url: str = ""
