"""Everything this app raises on purpose.

SocialIntegrationsError
├── ConfigurationError         a setting is missing or unusable (also Django's ImproperlyConfigured)
├── TokenDecryptionError       a stored token cannot be read with the configured keys
├── AccountOnHold              the account needs a person first; its work waits or is dropped
├── NotYet                     a job has to wait so many seconds; waiting is not a failure
├── PayloadError               a webhook item lacks what its kind needs; names the path, no content
├── SignedRequestError         a `signed_request` is not Meta's, or not one we can read
├── ConnectError               connecting an account stopped; its code looks up words for people
├── DraftError                 Meta would refuse what somebody wants to send; says why
├── SendRefused                Meta's rules do not allow a message now; carries the decision
├── ChangeRefused              what somebody asks of a conversation cannot be; says why
├── MediaError                 what a media link leads to cannot be had; never holds the link
│   ├── UnsafeLinkError        it leads where we do not go
│   ├── MediaGoneError         Meta no longer serves it
│   ├── MediaRefusedError      what came is not what we keep
│   └── MediaUnavailableError  no usable answer came; worth trying again
└── GraphError                 Meta refused or could not be reached; see graph/errors.py
    ├── GraphPausedError       the account's calls have to wait; nothing was sent
    ├── GraphUnavailableError  no usable answer: network, timeout, 5xx, HTML; worth trying again
    └── GraphRefusedError      Meta answered with an error; carries code and subcode
"""

from typing import Any

from django.core.exceptions import ImproperlyConfigured


class SocialIntegrationsError(Exception):
    """Base of every error of this app."""


class ConfigurationError(SocialIntegrationsError, ImproperlyConfigured):
    """A setting is missing or unusable; the message names it."""


class TokenDecryptionError(SocialIntegrationsError):
    """A stored token cannot be read: wrong key, damaged or never encrypted."""


class AccountOnHold(SocialIntegrationsError):  # noqa: N818 - a state, not a fault
    """Meta is not to be asked for this account until a person has connected it again.

    A job that ends with it is held and runs once the account is connected; for an account that
    somebody disconnected it is dropped.
    """

    def __init__(self, account_id: int, *, disconnected: bool = False) -> None:
        super().__init__("The account has to be connected again first.")
        self.account_id = account_id
        self.disconnected = disconnected


class NotYet(SocialIntegrationsError):  # noqa: N818 - a state, not a fault
    """A job has to wait for so many `seconds`; that costs it no try."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"Waiting for {seconds:.0f} seconds")
        self.seconds = seconds


class PayloadError(SocialIntegrationsError):
    """A webhook item lacks what its kind needs; the message names the path, never the content."""


class SignedRequestError(SocialIntegrationsError):
    """A `signed_request` is forged, broken or names nobody; says nothing about which."""


class ConnectError(SocialIntegrationsError):
    """Connecting stopped; `code` looks up the words in `services/connect_problems.py`."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


class DraftError(SocialIntegrationsError):
    """Meta would refuse what somebody wants to send; code and words for them."""

    def __init__(self, code: str, message: str, action: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.action = action


class ChangeRefused(SocialIntegrationsError):  # noqa: N818 - as SendRefused
    """What somebody asks of a conversation cannot be; code and words for them."""

    def __init__(self, code: str, message: str, action: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.action = action


class SendRefused(SocialIntegrationsError):  # noqa: N818 - a rule kept, not a fault
    """Meta's rules do not allow a message now; `decision` of `services/send_policy.py` says why."""

    def __init__(self, decision: Any) -> None:
        super().__init__(decision.sentence)
        self.decision = decision


class MediaError(SocialIntegrationsError):
    """What a media link leads to cannot be had; the message never holds the link."""


class UnsafeLinkError(MediaError):
    """The link leads where we do not go: another host, a private address, no web address."""


class MediaGoneError(MediaError):
    """Meta no longer serves it: deleted, or the link has expired."""


class MediaRefusedError(MediaError):
    """What came is not what we keep; asking again would bring the same."""


class MediaUnavailableError(MediaError):
    """No usable answer came: network, timeout, 5xx. Trying again may help."""


class GraphError(SocialIntegrationsError):
    """Meta refused a call or could not be reached; never carries a URL or a token."""


class GraphPausedError(GraphError):
    """The account's call budget is spent for so many `seconds`; waiting is not a failure."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"Meta's allowance is used up; going on in {seconds:.0f} seconds")
        self.seconds = seconds


class GraphUnavailableError(GraphError):
    """No usable answer came: network, timeout, 5xx, HTML. Trying again may help.

    `may_have_arrived` is False only where the request cannot have reached Meta: what was asked for
    may otherwise have been done.
    """

    def __init__(self, reason: str, *, may_have_arrived: bool = True) -> None:
        super().__init__(reason)
        self.may_have_arrived = may_have_arrived


class GraphRefusedError(GraphError):
    """Meta answered with an error object."""

    def __init__(self, code: int, subcode: int | None, message: str) -> None:
        super().__init__(f"Meta error {code}/{subcode or '-'}: {message}")
        self.code = code
        self.subcode = subcode
