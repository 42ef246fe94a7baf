"""Reconciling an account on demand: start a run, and see how the latest one is doing."""

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import APIException, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from social_integrations.access import access_policy
from social_integrations.models import ConnectedAccount, Reconciliation
from social_integrations.selectors import latest_run, missed_by_meta
from social_integrations.services.reconciling import Reason, start

from .accounts import AccountsDoorView
from .serializers import ReconciliationSerializer
from .shapes import Sync


class SyncRunning(APIException):
    """The account is being reconciled right now."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "This account is being reconciled already. Wait until that has ended."
    default_code = "sync_running"


class NotConnected(APIException):
    """Meta does not let us read for the account."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "This account is not connected. Connect it again first."
    default_code = "not_connected"


class SyncView(AccountsDoorView):
    """The latest run of an account, and a way to start one."""

    refusals = {"POST": (409,)}

    @extend_schema(responses=Sync)
    def get(self, _request: Request, pk: int) -> Response:
        """Answer the latest run, null if there was none, and what Meta has missed so far."""
        account = self.find(pk)
        return _answer(account, latest_run(account))

    @extend_schema(request=None, responses={202: Sync})
    def post(self, request: Request, pk: int) -> Response:
        """Start a run: 202 with it, or 409 while one is running or the account is not connected."""
        account = self.find(pk)
        if not access_policy().may_manage(request.user, account):
            raise PermissionDenied
        if not account.is_active:
            raise NotConnected
        run, created = start(account, Reason.REQUEST)
        if not created:
            raise SyncRunning
        return _answer(account, run, status.HTTP_202_ACCEPTED)


def _answer(
    account: ConnectedAccount, run: Reconciliation | None, code: int = status.HTTP_200_OK
) -> Response:
    shown = ReconciliationSerializer(run).data if run else None
    return Response({"run": shown, "missed_by_meta": missed_by_meta(account)}, status=code)
