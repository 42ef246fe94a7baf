"""The doctor's rows for one account."""

from django.db import transaction
from django.utils.decorators import method_decorator
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from social_integrations.access import VIEW
from social_integrations.services.doctor.examining import examine

from .accounts import AccountsDoorView
from .shapes import Report
from .throttles import HealthThrottle


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
