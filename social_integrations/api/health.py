"""The doctor's rows for one account."""

from django.db import transaction
from django.utils.decorators import method_decorator
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.throttling import UserRateThrottle

from social_integrations.access import VIEW
from social_integrations.services.doctor.examining import examine

from .accounts import AccountsDoorView
from .shapes import Report

DEFAULT_RATE = "6/min"


class HealthThrottle(UserRateThrottle):
    """Each answer costs calls to Meta; the rate is read at use time."""

    scope = "instagram_health"

    def get_rate(self) -> str | None:
        """Return the host's rate for the scope, or ours where it sets none."""
        rates = api_settings.DEFAULT_THROTTLE_RATES or {}
        rate = rates.get(self.scope, DEFAULT_RATE)
        return str(rate) if rate else None


# Not atomic: it calls Meta, and our own public address.
@method_decorator(transaction.non_atomic_requests, name="dispatch")
class AccountHealthView(AccountsDoorView):
    """How an account is, looked at now."""

    throttle_classes = (HealthThrottle,)

    @extend_schema(responses=Report)
    def get(self, request: Request, pk: int) -> Response:
        """Examine the account; the installation's own rows are for those who may see all accounts.

        They tell what is weak about the server, which not every user of a CRM should know.
        """
        account = self.find(pk)
        report = examine(accounts=[account], installation=request.user.has_perm(VIEW))
        return Response(report.as_json())
