"""What Meta's error codes mean: one table, closed by default.

Meta: decide on `code` and `error_subcode`, never on the HTTP status or the text. A pair that is
not listed is `UNKNOWN` and is not tried again.
"""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext_noop as _


class ErrorKind(StrEnum):
    """What an error calls for."""

    AUTH = "auth"
    """The token is dead: stop calling, ask to connect again."""
    PERMISSION = "permission"
    """A permission is missing or the owner switched message access off."""
    THROTTLED = "throttled"
    TEMPORARY = "temporary"
    WINDOW = "window"
    """The time to answer this person has passed."""
    UNAVAILABLE_PERSON = "unavailable_person"
    RESTRICTED = "restricted"
    """Meta stopped the account or the app from acting: pause."""
    THREAD = "thread"
    """Another app holds the conversation."""
    MEDIA = "media"
    GONE = "gone"
    SENT = "sent"
    """Meta reports an error although the message went out."""
    APP = "app"
    """The Meta app or this installation is set up wrongly."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One meaning: the kind, a sentence for a person, the next step, and whether to try again."""

    kind: ErrorKind
    sentence: str
    next_step: str
    retryable: bool = False


CONNECT_AGAIN = _("Connect the Instagram account again.")
NOTHING = _("Nothing to do; the conversation stays as it is.")
LATER = _("Wait a few minutes; it is tried again by itself.")
ASK_OPERATOR = _("Show this to the person who runs this installation.")

DEAD_TOKEN = ErrorRow(ErrorKind.AUTH, _("Meta no longer accepts this connection."), CONNECT_AGAIN)
THROTTLED = ErrorRow(ErrorKind.THROTTLED, _("Meta asks us to slow down."), LATER, retryable=True)
NO_PERMISSION = ErrorRow(
    ErrorKind.PERMISSION,
    _("A permission for this is missing or was taken back."),
    _("Connect the Instagram account again and leave every permission ticked."),
)
WINDOW_CLOSED = ErrorRow(
    ErrorKind.WINDOW,
    _("The time in which Instagram allows an answer to this person has passed."),
    _("Wait until they write again."),
)
NO_SUCH_PERSON = ErrorRow(
    ErrorKind.UNAVAILABLE_PERSON, _("Instagram does not show this person to us."), NOTHING
)
PERSON_AWAY = ErrorRow(
    ErrorKind.UNAVAILABLE_PERSON,
    _("This person cannot be reached now: the profile is closed, or they blocked the account."),
    _("Wait until they write again."),
)
RESTRICTED = ErrorRow(
    ErrorKind.RESTRICTED,
    _("Instagram has restricted this account for a while."),
    _("Look for a notice in the Instagram app under Settings > Account status."),
)
OTHER_APP = ErrorRow(
    ErrorKind.THREAD,
    _("Another app connected to this Instagram account holds the conversation."),
    _("Answer there, or make this app the default for conversations in the Page's settings."),
)
NO_LINK = ErrorRow(
    ErrorKind.AUTH,
    _("The Facebook Page is no longer linked to this Instagram account."),
    _("Link them again in the Page's settings, then connect the account again."),
)
UNKNOWN = ErrorRow(
    ErrorKind.UNKNOWN,
    _("Meta refused this without a reason we know."),
    ASK_OPERATOR,
)


def _media(sentence: str) -> ErrorRow:
    return ErrorRow(ErrorKind.MEDIA, sentence, _("Send another file."))


# Codes whose meaning no subcode changes; a listed pair below still wins.
ROWS_BY_CODE: dict[int, ErrorRow] = {
    4: THROTTLED,
    17: THROTTLED,
    32: THROTTLED,
    341: THROTTLED,
    613: THROTTLED,
    80001: THROTTLED,
    80002: THROTTLED,
    80006: THROTTLED,
    102: DEAD_TOKEN,  # "session invalid", the older spelling of 190
    190: DEAD_TOKEN,
    230: NO_SUCH_PERSON,  # no consent: they never wrote to the account
    368: RESTRICTED,  # the action was judged abusive
    551: PERSON_AWAY,
    9010: NO_SUCH_PERSON,  # also what Meta's own review bot looks like
}

ROWS: dict[tuple[int, int | None], ErrorRow] = {
    (1, None): ErrorRow(ErrorKind.TEMPORARY, _("Meta had a passing fault."), LATER, retryable=True),
    # Sent although Meta says otherwise: sending again would show the message twice.
    (1, 1357046): ErrorRow(
        ErrorKind.SENT, _("Meta reported an error, but the message was sent."), NOTHING
    ),
    # May also mean that the person blocked the account, so tries must be few.
    (2, None): ErrorRow(
        ErrorKind.TEMPORARY, _("Meta was unavailable for a moment."), LATER, retryable=True
    ),
    # A capability of the app, not a fault of the token: connecting again would not help.
    (3, None): ErrorRow(
        ErrorKind.APP,
        _("The Meta app does not have Advanced Access for this yet."),
        _("Ask for Advanced Access in the Meta app: App Review > Permissions and features."),
    ),
    (10, None): NO_PERMISSION,
    (200, None): NO_PERMISSION,
    (299, None): NO_PERMISSION,
    (10, 2534022): WINDOW_CLOSED,
    (10, 2018278): WINDOW_CLOSED,  # Messenger's wording of the same
    (10, 2018065): WINDOW_CLOSED,
    (10, 2018108): PERSON_AWAY,
    (10, 1893063): RESTRICTED,
    # Meta uses it for a missing two-factor check as well; both end with a new connection.
    (10, 2534077): NO_LINK,
    (200, 2534041): ErrorRow(
        ErrorKind.PERMISSION,
        _("The owner of the Instagram account has switched message access off."),
        _(
            "In the Instagram app: Settings > Messages and story replies > Message controls > "
            "Connected tools > Allow access to messages."
        ),
    ),
    (200, 1545041): PERSON_AWAY,
    (551, 1545041): PERSON_AWAY,
    (200, 2018028): ErrorRow(
        ErrorKind.APP,
        _("The Meta app is not reviewed yet and may only write to people with a role in it."),
        _("Finish App Review, or add the person as a tester of the Meta app."),
    ),
    (100, 2534014): NO_SUCH_PERSON,  # typically the id of another account's customer
    (100, 2018001): NO_SUCH_PERSON,
    (100, 2534013): NO_LINK,
    (100, 2534015): ErrorRow(
        ErrorKind.APP, _("Instagram does not accept a message like this."), ASK_OPERATOR
    ),
    (100, 2534025): ErrorRow(
        ErrorKind.GONE, _("This comment can no longer be answered privately."), NOTHING
    ),
    (100, 2534029): RESTRICTED,
    (100, 2534037): OTHER_APP,
    (100, 2018300): OTHER_APP,
    (100, 2018008): _media(_("Instagram could not fetch the file.")),
    (100, 2018047): _media(_("The file is not what its type says.")),
    (100, 2018109): _media(_("The file is too large for Instagram.")),
    (100, 2018294): _media(_("Instagram took too long to process the video.")),
    (100, 2018074): _media(_("Instagram no longer knows this file.")),
    (100, 33): ErrorRow(
        ErrorKind.GONE,
        _("Meta does not know this object, or does not show it to this connection."),
        CONNECT_AGAIN,
    ),
    (101, None): ErrorRow(
        ErrorKind.APP, _("Meta does not know this app id."), _("Check INSTAGRAM_APP_ID.")
    ),
    (190, 458): ErrorRow(
        ErrorKind.AUTH,
        _("The app was removed by the person who connected it."),
        CONNECT_AGAIN,
    ),
    (190, 459): ErrorRow(
        ErrorKind.AUTH,
        _("Meta wants to check the account of the person who connected it."),
        _(
            "That person signs in at facebook.com or instagram.com and follows the steps there, "
            "then connects again."
        ),
    ),
    (190, 460): ErrorRow(
        ErrorKind.AUTH,
        _("The password of the account that connected it was changed."),
        CONNECT_AGAIN,
    ),
    (190, 463): ErrorRow(ErrorKind.AUTH, _("The connection has expired."), CONNECT_AGAIN),
    (190, 464): ErrorRow(
        ErrorKind.AUTH,
        _("The account of the person who connected it is not confirmed."),
        _("That person confirms the account at Meta, then connects again."),
    ),
    (190, 492): ErrorRow(
        ErrorKind.AUTH,
        _("The person who connected it no longer has a role on the Facebook Page."),
        _("Somebody with a role on the Page connects the account again."),
    ),
    (9000001, None): ErrorRow(
        ErrorKind.GONE, _("The message was deleted, or is older than Meta shows."), NOTHING
    ),
    (36103, None): ErrorRow(
        ErrorKind.RESTRICTED,
        _("This Instagram account may not be used through Meta's interface."),
        _("Check that it is a Business or Creator account without restrictions."),
    ),
}


def explain(code: int, subcode: int | None) -> ErrorRow:
    """Return the row for an error of Meta's; `UNKNOWN`, which is never retried, if none fits."""
    return ROWS.get((code, subcode)) or ROWS_BY_CODE.get(code) or UNKNOWN
