"""Everything the Send API answers when it does not send: section 4.9 of the reference, as a table.

Rows are named as people write them, `code/subcode`. The wording is close to Meta's; a client must
decide on code and subcode only.
"""

from social_integrations.emulator.errors import IG, ErrorSpec, MetaError

# Code, subcode, what it says. Which HTTP status comes with a code: see STATUSES.
ROWS: tuple[tuple[int, int, str], ...] = (
    (10, 2534022, "This message is sent outside of allowed window."),
    (10, 2018278, "This message is sent outside of allowed window."),
    (10, 2018065, "This message is sent outside of allowed window."),
    (10, 2018108, "This person isn't receiving messages from you right now."),
    (10, 1893063, "Your account is temporarily restricted."),
    (10, 2534077, "The link of Page and Instagram account needs attention, or two-factor login."),
    (10, 0, "Application does not have permission for this action"),
    (200, 0, "Permissions error"),
    (299, 0, "Permissions error"),
    (200, 2534041, "The owner has not allowed access to messages"),
    (200, 1545041, "This person isn't available right now."),
    (551, 0, "This person isn't available at the moment."),
    (551, 1545041, "This person isn't available right now."),
    (200, 2018028, "Cannot message users who are not admins, developers or testers of the app."),
    (100, 2534014, "No matching Instagram user"),
    (100, 2018001, "No matching user found"),
    (100, 2534013, "The Page is not linked to an Instagram account"),
    (100, 2534015, "The message data is not allowed"),
    (100, 2534025, "The comment is invalid for a private reply"),
    (100, 2534029, "The business is blocked from sending messages"),
    (100, 2534037, "Another app is controlling this thread now."),
    (100, 2018300, "Another app is controlling this thread now."),
    (100, 2018008, "Failed to fetch the file from the url"),
    (100, 2018047, "Upload attachment failure: the type does not match the file"),
    (100, 2018109, "The attachment size exceeds the allowable limit"),
    (100, 2018294, "Fetching the video took too long"),
    (100, 2018074, "Invalid attachment id"),
    (100, 0, "Invalid parameter"),
    (190, 0, "Invalid OAuth access token"),
    (190, 460, "Error validating access token: The user changed their password."),
    (190, 463, "Error validating access token: Session has expired."),
    (230, 0, "Not permitted to message this person"),
    (368, 0, "The action attempted has been deemed abusive or is otherwise disallowed"),
    (4, 0, "Application request limit reached"),
    (17, 0, "User request limit reached"),
    (32, 0, "Page request limit reached"),
    (341, 0, "Application limit reached"),
    (613, 0, "Calls to this api have exceeded the rate limit."),
    (613, 2534040, "Calls to this api have exceeded the rate limit."),
    (80001, 0, "There have been too many calls to this Page account."),
    (80002, 0, "There have been too many calls to this Instagram account."),
    (80006, 0, "There have been too many messenger API calls to this Page account."),
    (1, 0, "An unknown error has occurred."),
    (2, 0, "Service temporarily unavailable"),
    (1, 1357046, "An unknown error has occurred."),
    (9000001, 0, "The message was deleted, or is older than the newest 20."),
    (9010, 0, "No matching Instagram user"),
    (36103, 0, "The account is not eligible for this API"),
)
# Meta: seen or documented with these; 400 for all others.
STATUSES = {1: 500, 2: 500, 10: 403, 190: 401, 200: 403, 230: 403, 299: 403, 551: 403}
TRANSIENT = frozenset({1, 2, 4, 17, 32, 341, 613, 80001, 80002, 80006})
THROTTLING = TRANSIENT - {1, 2}
SENT_YET_FAILED = "1/1357046"
OAUTH_CODES = frozenset({4, 17, 32, 190, 341, 368})


def _name(code: int, subcode: int) -> str:
    return f"{code}/{subcode}" if subcode else str(code)


def _spec(code: int, subcode: int, message: str) -> ErrorSpec:
    return ErrorSpec(
        status=STATUSES.get(code, 400),
        code=code,
        subcode=subcode,
        message=f"(#{code}) {message}",
        type="OAuthException" if code in OAUTH_CODES else IG,
        is_transient=code in TRANSIENT,
    )


SEND_ERRORS = {
    _name(code, subcode): _spec(code, subcode, message) for code, subcode, message in ROWS
}
INVALID = ErrorSpec(400, 100, 0, "(#100) {detail}", IG)


def refusal(name: str) -> MetaError:
    """Make the error of one row."""
    return MetaError(SEND_ERRORS[name])


def invalid(detail: str) -> MetaError:
    """Make the error of a request that is not well formed: code 100 without a subcode."""
    return MetaError(INVALID, detail=detail)
