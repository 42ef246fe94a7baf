"""What can go wrong while connecting, in words for the person in front of the screen."""

from dataclasses import dataclass, replace

DETAIL = "{detail}"


@dataclass(frozen=True, slots=True)
class ConnectProblem:
    """A page's worth of words: title, what happened, the next step, and the HTTP status."""

    title: str
    sentence: str
    next_step: str
    status: int
    can_retry: bool = True
    """Whether starting again from this page can help."""


START_AGAIN = "Start again from this page."
OPERATOR = "Show this page to the person who runs this installation."

PROBLEMS: dict[str, ConnectProblem] = {
    # --- before Meta ---
    "signed_out": ConnectProblem(
        "You are signed out",
        "Meta sent you back, but you are no longer signed in here.",
        "Sign in, then start connecting again.",
        403,
    ),
    "not_allowed": ConnectProblem(
        "You may not connect accounts",
        "Your user account does not have the permission to connect Instagram accounts.",
        "Ask the person who manages users here for the permission “Can add connected account”.",
        403,
        can_retry=False,
    ),
    "not_configured": ConnectProblem(
        "Connecting is not set up yet",
        "This installation lacks a setting, or has one that cannot be used: {detail}",
        f"{OPERATOR} Settings go into the environment or the .env file.",
        503,
        can_retry=False,
    ),
    "login_unknown": ConnectProblem(
        "There is no such way to sign in",
        "The address asks for a login that does not exist.",
        START_AGAIN,
        400,
    ),
    "return_refused": ConnectProblem(
        "The return address is not allowed",
        "The address to return to is not one this installation knows.",
        f"{OPERATOR} Every address a frontend returns to stands in INSTAGRAM_CONNECT_RETURN_URLS.",
        400,
    ),
    "link_unknown": ConnectProblem(
        "This link does not belong to us",
        "The link was not made here, or is too old to be remembered.",
        "Start again where you came from. Do not use a link somebody sent you.",
        400,
    ),
    "link_used": ConnectProblem(
        "This link was used already",
        "A link to connect an account can be opened once.",
        "Go back to where you came from and start again.",
        409,
    ),
    "link_expired": ConnectProblem(
        "This link has expired",
        "For safety, a link to connect an account works for two minutes.",
        "Go back to where you came from and start again.",
        400,
    ),
    # --- the way back ---
    "duplicate_parameters": ConnectProblem(
        "This answer cannot be read",
        "The address you came back with names something twice.",
        START_AGAIN,
        400,
    ),
    "state_unknown": ConnectProblem(
        "This link does not belong to us",
        "The address you came back with was not made here, or is too old to be remembered.",
        f"{START_AGAIN} Do not use a link somebody sent you.",
        400,
    ),
    "state_expired": ConnectProblem(
        "That took too long",
        "For safety, connecting has to be finished within ten minutes.",
        START_AGAIN,
        400,
    ),
    "state_replayed": ConnectProblem(
        "This was used already",
        "The same answer from Meta arrived twice; it counts only once. "
        "Perhaps the page was loaded again.",
        "See whether the account is connected already; if not, start again.",
        409,
    ),
    "other_browser": ConnectProblem(
        "Another browser",
        "Connecting was started in another browser, or this one has forgotten it.",
        "Start and finish in the same browser, with cookies allowed.",
        403,
    ),
    "other_person": ConnectProblem(
        "Another person started this",
        "Connecting was started by somebody who is signed in here under another name.",
        "Start again under your own name.",
        403,
    ),
    "cancelled": ConnectProblem(
        "You cancelled",
        "Nothing was connected and nothing was changed.",
        "If that was not your choice: while the Meta app is in development mode, Meta refuses "
        "everybody without a role in it. Otherwise start again when you like.",
        403,
    ),
    "development_mode": ConnectProblem(
        "Meta does not let you in yet",
        "Meta answered “Permissions error”. Most often the Meta app is still in development "
        "mode, where only people with a role in it can connect.",
        "Ask for a role under App roles in the Meta app and accept it, or have the app "
        "published. Then start again.",
        403,
    ),
    "scope_refused": ConnectProblem(
        "Meta refused a permission",
        "The Meta app asks for a permission it is not set up for.",
        f"{OPERATOR} Compare INSTAGRAM_SCOPES and INSTAGRAM_LOGIN_SCOPES with the permissions of "
        "the Meta app.",
        503,
    ),
    "dialog_error": ConnectProblem(
        "Meta stopped",
        "Meta reported an error in its own window and did not say which.",
        "Try again in a few minutes.",
        400,
    ),
    "no_answer": ConnectProblem(
        "Meta sent nothing",
        "You came back without a yes or a no.",
        START_AGAIN,
        400,
    ),
    # --- exchanging the code ---
    "redirect_mismatch": ConnectProblem(
        "The return address does not match",
        "Meta compared the return address of this installation with the one it knows; they differ.",
        f"{OPERATOR} INSTAGRAM_REDIRECT_URI must be the same, letter by letter, as in the Meta "
        "app: under Facebook Login > Settings > Valid OAuth Redirect URIs, or under Instagram > "
        "API setup with Instagram login > Set up business login.",
        503,
    ),
    "code_expired": ConnectProblem(
        "Meta's answer has expired",
        "Too much time passed between your yes and our question.",
        START_AGAIN,
        400,
    ),
    "code_used": ConnectProblem(
        "This was used already",
        "Meta says that your yes was used before; it counts only once.",
        START_AGAIN,
        409,
    ),
    "code_invalid": ConnectProblem(
        "Meta does not know this answer",
        "What you came back with is not something Meta gave out.",
        START_AGAIN,
        400,
    ),
    "wrong_app_secret": ConnectProblem(
        "Meta does not accept our app secret",
        "The app secret of this installation is not the one of the Meta app.",
        f"{OPERATOR} INSTAGRAM_APP_SECRET must be the secret under App settings > Basic. If it "
        "is, try again in a few minutes: Meta reports a passing fault in the same way.",
        503,
    ),
    "wrong_app_id": ConnectProblem(
        "Meta does not know our app",
        "The app id of this installation is not one Meta knows.",
        f"{OPERATOR} INSTAGRAM_APP_ID must be the id under App settings > Basic.",
        503,
    ),
    "wrong_login_secret": ConnectProblem(
        "Instagram does not accept our app secret",
        "The Instagram app secret of this installation is not the one of the Meta app.",
        f"{OPERATOR} INSTAGRAM_LOGIN_APP_SECRET must be the Instagram app secret under Instagram "
        "> API setup with Instagram login. It is not the secret under App settings > Basic.",
        503,
    ),
    "wrong_login_id": ConnectProblem(
        "Instagram does not know our app",
        "The Instagram app id of this installation is not one Meta knows.",
        f"{OPERATOR} INSTAGRAM_LOGIN_APP_ID must be the Instagram app ID under Instagram > API "
        "setup with Instagram login. It is not the id under App settings > Basic.",
        503,
    ),
    # --- what the person has ---
    "permissions_missing": ConnectProblem(
        "A permission is missing",
        "Without these permissions no message can be received: {detail}.",
        "Start again and leave every permission ticked in Meta's window. If one is not offered "
        "there, the Meta app lacks it.",
        403,
    ),
    "no_pages": ConnectProblem(
        "No Facebook Page",
        "Meta showed us no Facebook Page. The Instagram account must be linked to a Page, and "
        "you need a role on it.",
        "Start again, choose “Edit settings” in Meta's window and tick the Page.",
        409,
    ),
    "no_pages_business": ConnectProblem(
        "No Facebook Page",
        "Meta showed us no Facebook Page. Pages that belong to a business portfolio stay "
        "hidden while the permission business_management is not granted.",
        "Start again, choose “Edit settings” in Meta's window, tick the Page and its business, "
        "and leave every permission ticked.",
        409,
    ),
    "no_instagram": ConnectProblem(
        "No Instagram account on your Pages",
        "Meta showed us Facebook Pages, but no Instagram account is linked to them.",
        "Make the Instagram account a Business or Creator account, link it in the Page's "
        "settings under Linked accounts, then start again.",
        409,
    ),
    "no_usable_page": ConnectProblem(
        "Nothing could be connected",
        "None of your Facebook Pages can be used as it is.",
        "Follow what stands beside each Page, then start again.",
        409,
    ),
    "account_taken": ConnectProblem(
        "Somebody else connected this account",
        "The Instagram account is connected here already, by another user.",
        "Ask that person, or somebody who may change all accounts, to connect it again.",
        409,
    ),
    "personal_account": ConnectProblem(
        "This is a personal account",
        "Meta lets apps read the messages of professional Instagram accounts only.",
        "In the Instagram app, open Settings > Account type and tools > Switch to professional "
        "account. Then start again.",
        409,
    ),
    # --- choosing ---
    "no_choice": ConnectProblem(
        "There is nothing to choose",
        "What Meta granted is kept for ten minutes and used once; it is no longer here.",
        "See whether the accounts are connected already; if not, start again.",
        404,
    ),
    # --- Meta itself ---
    "meta_unreachable": ConnectProblem(
        "Meta cannot be reached",
        "No usable answer came from Meta ({detail}).",
        "Try again in a few minutes. If it stays so, show this page to the person who runs "
        "this installation.",
        502,
    ),
    "meta_busy": ConnectProblem(
        "Meta asks us to wait",
        "Meta is busy, or this installation asked too often.",
        "Try again in half an hour.",
        503,
    ),
    "meta_refused": ConnectProblem(
        "Meta refused",
        "{detail}",
        f"{START_AGAIN} If it happens again, show this page to the person who runs this "
        "installation.",
        502,
    ),
    # --- afterwards ---
    "no_result": ConnectProblem(
        "Nothing to show",
        "There is no result of connecting in this browser.",
        "Start from here to connect an Instagram account.",
        404,
    ),
    "unexpected": ConnectProblem(
        "Something unexpected happened", "Connecting stopped.", START_AGAIN, 500
    ),
}


def describe_problem(code: str, detail: str = "") -> ConnectProblem:
    """Return the words for a problem; a code nobody wrote words for is `unexpected`."""
    problem = PROBLEMS.get(code, PROBLEMS["unexpected"])
    return replace(problem, sentence=problem.sentence.replace(DETAIL, detail))
