"""The banner of the admin: accounts that have to be connected again."""

from typing import Any

from django import template
from django.urls import reverse

from social_integrations.access import access_policy
from social_integrations.admin.rendering import one_line, visible
from social_integrations.models import ConnectedAccount
from social_integrations.selectors import account_problems, without_tokens

register = template.Library()

SHOWN = 3


@register.inclusion_tag("admin/social_integrations/_accounts_to_reconnect.html", takes_context=True)
def accounts_to_reconnect(context: dict[str, Any]) -> dict[str, Any]:
    """Name the accounts that need the person in front of the page; nothing for everybody else.

    Put it into a page of your own admin site with `{% load instagram_admin %}`.
    """
    user = getattr(context.get("request"), "user", None)
    if user is None or not user.is_staff:
        return {"accounts": []}
    waiting = without_tokens(access_policy().accounts_for(user)).filter(
        status=ConnectedAccount.Status.REAUTH_REQUIRED
    )
    accounts = list(waiting)
    may_look = user.has_perm("social_integrations.view_connectedaccount")
    return {
        "accounts": [_row(account, may_look=may_look) for account in accounts[:SHOWN]],
        "more": len(accounts[SHOWN:]),
        "may_look": may_look,
    }


def _row(account: ConnectedAccount, *, may_look: bool) -> dict[str, str]:
    problem = account_problems(account)[0]
    name = "admin:social_integrations_connectedaccount_change"
    return {
        "name": one_line(account),
        "reason": visible(problem.message),
        "action": visible(problem.action),
        "url": reverse(name, args=[account.pk]) if may_look else "",
    }
