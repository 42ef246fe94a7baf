"""E-mails to the people who look after the installation: an account needs somebody."""

import logging
from dataclasses import dataclass

from django.core.mail import send_mail

from social_integrations.conf import app_settings
from social_integrations.models import ConnectedAccount
from social_integrations.selectors import account_problems, without_tokens

from .jobs import MAIL_NOTICE, NewJob, enqueue_once

logger = logging.getLogger(__name__)

WHERE = "Open the admin of your CRM: Instagram > Connected accounts."


@dataclass(frozen=True, slots=True)
class Notice:
    """An e-mail's subject and first sentence; `{account}` is the account's name."""

    subject: str
    sentence: str


NOTICES: dict[str, Notice] = {
    "reauth_required": Notice(
        "{account} has to be connected again",
        "Nothing can be sent for the Instagram account {account} until it is connected again. "
        "Messages that Meta still delivers are kept.",
    ),
    "disconnected": Notice(
        "{account} was disconnected",
        "The Instagram account {account} is no longer connected. Its messages are kept.",
    ),
    "expiring": Notice(
        "Access to {account} ends soon",
        "Our access to the Instagram account {account} ends soon and was not renewed.",
    ),
}


def enqueue_notice(*, account_id: int, notice: str, dedupe_key: str | None = None) -> bool:
    """Ask for an e-mail in the caller's transaction; return whether it is the first with its key.

    The row is written even where nobody gets e-mails: it remembers that the notice was given.
    """
    payload = {"account": account_id, "notice": notice}
    return enqueue_once(NewJob(MAIL_NOTICE, payload, dedupe_key))


def send_notice(*, account_id: int, notice: str) -> None:
    """Send the e-mail to `INSTAGRAM_WARN_EMAILS`; raise what Django's mail raises."""
    recipients = app_settings.WARN_EMAILS
    accounts = without_tokens(ConnectedAccount.objects.all())
    account = accounts.filter(pk=account_id).first()
    if account is None or not recipients:
        return
    name = " ".join(str(account).split())  # a line break would end the subject's header
    words = NOTICES[notice]
    problems = [f"{problem.message} {problem.action}" for problem in account_problems(account)]
    send_mail(
        f"Instagram: {words.subject.format(account=name)}",
        "\n\n".join([words.sentence.format(account=name), *problems, WHERE]),
        None,
        list(recipients),
    )
    logger.info("Told %d people about account %s", len(recipients), account.instagram_account_id)
