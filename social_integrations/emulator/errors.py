"""The errors Meta answers with, as a table, and the shape it wraps them in.

Codes and subcodes follow section 1.3 and 4.9 of the reference; the wording is close to Meta's,
but a client must decide on code and subcode only.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OAUTH = "OAuthException"
METHOD = "GraphMethodException"
IG = "IGApiException"


@dataclass(frozen=True, slots=True)
class ErrorSpec:
    """One row: HTTP status, Meta's code, subcode (0 = none), message and exception type."""

    status: int
    code: int
    subcode: int
    message: str
    type: str = OAUTH
    is_transient: bool = False


ERRORS: dict[str, ErrorSpec] = {
    "unexpected": ErrorSpec(
        500, 2, 0, "An unexpected error has occurred. Please retry later.", is_transient=True
    ),
    "bad_body": ErrorSpec(400, 100, 0, "(#100) {detail}"),
    "no_token": ErrorSpec(400, 104, 0, "An access token is required to request this resource."),
    "no_active_token": ErrorSpec(
        400,
        2500,
        0,
        "An active access token must be used to query information about the current user.",
    ),
    "token_unknown": ErrorSpec(
        401, 190, 0, "Invalid OAuth access token - Cannot parse access token"
    ),
    "token_458": ErrorSpec(
        401,
        190,
        458,
        "Error validating access token: The user has not authorized application {app_id}.",
    ),
    "token_102": ErrorSpec(401, 102, 0, "Session key invalid or no longer valid"),
    "token_459": ErrorSpec(
        401,
        190,
        459,
        "Error validating access token: You cannot access the app till you log in to "
        "www.facebook.com and follow the instructions given.",
    ),
    "token_464": ErrorSpec(
        401,
        190,
        464,
        "Error validating access token: Sessions for the user are not allowed because the user "
        "is not a confirmed user.",
    ),
    "token_460": ErrorSpec(
        401,
        190,
        460,
        "Error validating access token: The session has been invalidated because the user "
        "changed their password or Facebook has changed the session for security reasons.",
    ),
    "token_463": ErrorSpec(
        401, 190, 463, "Error validating access token: Session has expired on {when}."
    ),
    "token_467": ErrorSpec(
        401,
        190,
        467,
        "Error validating access token: The session is invalid because the user logged out.",
    ),
    "token_492": ErrorSpec(
        401,
        190,
        492,
        "Error validating access token: The user does not have the appropriate role on the Page.",
    ),
    "proof": ErrorSpec(400, 100, 0, "Invalid appsecret_proof provided in the API argument", METHOD),
    "unknown_path": ErrorSpec(400, 2500, 0, "Unknown path components: /{path}"),
    "unsupported": ErrorSpec(
        400,
        100,
        33,
        "Unsupported {method} request. Object with ID '{node}' does not exist, cannot be loaded "
        "due to missing permissions, or does not support this operation.",
        METHOD,
    ),
    "field": ErrorSpec(400, 100, 0, "(#100) Tried accessing nonexisting field ({field})"),
    "fields_syntax": ErrorSpec(
        400, 2500, 0, "Syntax error in the fields parameter near character {position}."
    ),
    "parameter": ErrorSpec(400, 100, 0, "(#100) The parameter {name} is required"),
    "parameter_value": ErrorSpec(
        400, 100, 0, '(#100) Param {name} must be one of {{{allowed}}} - got "{value}"'
    ),
    "permission": ErrorSpec(403, 200, 0, "(#200) Requires {permission} permission"),
    "messages_field": ErrorSpec(
        403,
        200,
        0,
        "(#200) To subscribe to the messages field, one of these permissions is needed: "
        "pages_messaging",
    ),
    "page_token": ErrorSpec(
        400, 210, 0, "(#210) A page access token is required to request this resource."
    ),
    "app_token": ErrorSpec(
        400, 15, 0, "(#15) This method must be called with an app access_token."
    ),
    "consent": ErrorSpec(403, 230, 0, "(#230) User consent is required to access user profile"),
    "callback": ErrorSpec(
        400,
        2200,
        0,
        "(#2200) Callback verification failed with the following errors: {detail}",
    ),
    "client_id": ErrorSpec(
        400,
        101,
        0,
        "Error validating application. Cannot get application info due to a system error.",
    ),
    "client_secret": ErrorSpec(400, 1, 0, "Error validating client secret."),
    "redirect_missing": ErrorSpec(400, 191, 0, "Missing redirect_uri parameter."),
    "code_invalid": ErrorSpec(400, 100, 0, "Invalid verification code format."),
    "code_expired": ErrorSpec(400, 100, 36007, "This authorization code has expired."),
    "code_redirect": ErrorSpec(
        400,
        100,
        36008,
        "Error validating verification code. Please make sure your redirect_uri is identical to "
        "the one you used in the OAuth dialog request",
    ),
    "code_used": ErrorSpec(400, 100, 36009, "This authorization code has been used."),
    "login_client": ErrorSpec(400, 400, 0, "Invalid platform app"),
    "login_code": ErrorSpec(400, 400, 0, "Matching code was not found or was already used."),
    "login_expired": ErrorSpec(400, 400, 0, "This authorization code has expired."),
    "login_redirect": ErrorSpec(
        400,
        400,
        0,
        "Error validating verification code. Please make sure your redirect_uri is identical to "
        "the one you used in the OAuth dialog request",
    ),
    "login_grant": ErrorSpec(400, 400, 0, "Invalid grant_type"),
    "token_young": ErrorSpec(
        400, 100, 0, "(#100) A token can be refreshed when it is at least 24 hours old."
    ),
    "instagram_only": ErrorSpec(
        400, 190, 0, "Invalid OAuth access token - an Instagram User access token is required"
    ),
    "unlinked": ErrorSpec(
        400, 100, 2534013, "(#100) The Page is not linked to an Instagram account", IG
    ),
    "message_access": ErrorSpec(
        403, 200, 2534041, "(#200) The owner has not allowed access to messages", IG
    ),
    "message_gone": ErrorSpec(
        400, 9000001, 0, "The message was deleted, or is older than the newest 20.", IG
    ),
    "pace": ErrorSpec(
        400,
        613,
        0,
        "(#613) Calls to this api have exceeded the rate limit for this account.",
        IG,
        is_transient=True,
    ),
    "batch": ErrorSpec(400, 100, 0, "(#100) {detail}", "GraphBatchException"),
    # Not Meta's words: it is honest to say that this is only a stand-in.
    "not_imitated": ErrorSpec(400, 3, 0, "(#3) This emulator of Meta does not imitate {what}"),
    "platform": ErrorSpec(400, 100, 0, "(#100) This emulator knows platform=instagram only"),
    "grant_type": ErrorSpec(400, 100, 0, "(#100) Unknown grant_type {value}"),
}

ERRORS |= {
    f"throttle_{code}": ErrorSpec(400, code, 0, f"(#{code}) {words}", is_transient=True)
    for code, words in {
        4: "Application request limit reached",
        17: "User request limit reached",
        32: "Page request limit reached",
        341: "Application limit reached",
        613: "Calls to this api have exceeded the rate limit.",
        80001: "There have been too many calls to this Page account.",
        80002: "There have been too many calls to this Instagram account.",
        80006: "There have been too many messenger API calls to this Page account.",
    }.items()
}

DEAD_TOKENS = frozenset({102, 458, 459, 460, 463, 464, 467, 492})
"""Subcodes of 190 that stop a token; 102 is a code of its own and means the same."""


class MetaError(Exception):
    """A row of the table, about to be answered."""

    def __init__(
        self,
        row: str | ErrorSpec,
        /,
        headers: Mapping[str, str] | None = None,
        **details: object,
    ) -> None:
        self.spec = ERRORS[row] if isinstance(row, str) else row
        self.headers = dict(headers or {})
        self.message = self.spec.message.format(**details)
        super().__init__(self.message)

    @property
    def payload(self) -> dict[str, Any]:
        """The body Meta would send."""
        return error_payload(
            self.message,
            self.spec.type,
            self.spec.code,
            self.spec.subcode,
            is_transient=self.spec.is_transient,
        )


class LoginError(MetaError):
    """The same in the shape Instagram Login's code exchange answers with (section 1.2)."""

    @property
    def payload(self) -> dict[str, Any]:
        """The body Instagram would send."""
        return {
            "error_type": self.spec.type,
            "code": self.spec.status,
            "error_message": self.message,
        }


def error_payload(
    message: str, kind: str, code: int, subcode: int, *, is_transient: bool = False
) -> dict[str, Any]:
    """Wrap one error as Meta does; a subcode of 0 is left out."""
    error: dict[str, Any] = {"message": message, "type": kind, "code": code}
    if is_transient:
        error["is_transient"] = True
    if subcode:
        error["error_subcode"] = subcode
    return {"error": {**error, "fbtrace_id": trace_id()}}


def trace_id() -> str:
    """Make a support reference like Meta's."""
    return "A" + secrets.token_urlsafe(17)[:22]
