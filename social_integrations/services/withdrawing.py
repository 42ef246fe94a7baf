"""Mark accounts that were left out when access was granted again; nothing is ever removed."""

import logging
from dataclasses import dataclass

from django.utils import timezone

from social_integrations.exceptions import GraphError, GraphRefusedError, TokenDecryptionError
from social_integrations.graph.errors import ErrorKind, explain
from social_integrations.models import ConnectedAccount

from .clients import client_for_account

logger = logging.getLogger(__name__)

LEFT_OUT = "This account was left out when access was granted again in Meta's window."


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawnAccount:
    """An account that was left out; `dead` says that Meta refuses its token by now."""

    username: str
    dead: bool


def mark_withdrawn(*, account: ConnectedAccount) -> WithdrawnAccount:
    """Keep the account and note what happened; asks Meta first whether its token still works.

    Must run outside a transaction. An account that was connected again meanwhile is left alone.
    """
    dead = _is_dead(account)
    values = {"access_withdrawn_at": timezone.now(), "status_reason": LEFT_OUT}
    if dead:
        values["status"] = ConnectedAccount.Status.REAUTH_REQUIRED
    unchanged = ConnectedAccount.objects.filter(pk=account.pk, connected_at=account.connected_at)
    unchanged.update(**values)
    logger.info("Account %s was left out of a new consent", account.instagram_account_id)
    return WithdrawnAccount(username=str(account), dead=dead)


def _is_dead(account: ConnectedAccount) -> bool:
    """Return whether Meta says so; no answer, or a token we cannot read, says nothing."""
    if not account.is_active:
        return True  # Meta said so before; dead tokens are not tried again
    try:
        client_for_account(account).get("me", {"fields": "id"})
    except GraphRefusedError as error:
        return explain(error.code, error.subcode).kind == ErrorKind.AUTH
    except (GraphError, TokenDecryptionError):
        return False
    return False
