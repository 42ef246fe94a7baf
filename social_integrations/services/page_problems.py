"""Why an account or a Page could not be used, in words for the person in front of the screen."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PageProblem:
    """Why one Facebook Page or Instagram account could not be used, and what helps."""

    sentence: str
    next_step: str


PAGE_PROBLEMS: dict[str, PageProblem] = {
    # Meta's answer looks the same in all three cases.
    "no_instagram": PageProblem(
        "Meta shows no Instagram account for this Page: none is linked, it is a personal one, or "
        "it was not ticked.",
        "Link a Business or Creator account in the Page's settings under Linked accounts, then "
        "tick both in Meta's window.",
    ),
    "personal_account": PageProblem(
        "This is a personal Instagram account; Meta lets apps read messages of professional ones "
        "only.",
        "In the Instagram app: Settings > Account type and tools > Switch to professional account.",
    ),
    "not_ticked": PageProblem(
        "The Page's Instagram account was not ticked in Meta's window.",
        "Start again, choose “Edit settings” in Meta's window and tick the account.",
    ),
    "no_token": PageProblem(
        "You have no role on this Page, or it was not ticked: Meta gave us no access to it.",
        "Ask for a role under Page access, then tick the Page in Meta's window.",
    ),
    "no_task": PageProblem(
        "You may not handle messages for this Page.",
        "Ask for the task “Messages” (or “Community activity”) under Page access.",
    ),
    "business_managed": PageProblem(
        "This Page belongs to a business portfolio, and the permission business_management was "
        "not granted.",
        "Start again, tick the Page's business in Meta's window and leave every permission ticked.",
    ),
    "account_taken": PageProblem(
        "Its Instagram account is connected here already, by another user.",
        "Ask that person, or somebody who may change all accounts, to connect it again.",
    ),
}
