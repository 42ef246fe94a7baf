"""Connected accounts: looking at them, and disconnecting one."""

from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils.decorators import method_decorator
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from social_integrations.access import access_policy
from social_integrations.models import ConnectedAccount
from social_integrations.selectors import without_tokens
from social_integrations.services.disconnecting import disconnect_at_meta
from social_integrations.services.states import Event

from .authentication import JWTAuthentication
from .serializers import AccountDetailSerializer
from .shapes import Accounts
from .views import JSONOnlyView


class AccountsDoorView(JSONOnlyView):
    """What the accounts' views share; an account the caller may not see does not exist."""

    authentication_classes = (JWTAuthentication,)
    permission_classes = (IsAuthenticated,)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Keep every answer, errors included, out of all caches."""
        final = super().finalize_response(request, response, *args, **kwargs)
        final["Cache-Control"] = "private, no-store"
        return final

    def find(self, pk: int) -> ConnectedAccount:
        """Return an account the caller may see; raise `Http404` otherwise."""
        visible = without_tokens(access_policy().accounts_for(self.request.user))
        account = visible.filter(pk=pk).first()
        if account is None:
            raise Http404
        return account


class AccountListView(AccountsDoorView):
    """All accounts the caller may see."""

    @extend_schema(responses=Accounts)
    def get(self, request: Request) -> Response:
        """List the accounts."""
        accounts = list(without_tokens(access_policy().accounts_for(request.user)))
        return Response({"accounts": AccountDetailSerializer(accounts, many=True).data})


class AccountView(AccountsDoorView):
    """One account."""

    @extend_schema(responses=AccountDetailSerializer)
    def get(self, _request: Request, pk: int) -> Response:
        """Show the account."""
        return Response(AccountDetailSerializer(self.find(pk)).data)


# Not atomic: Meta is told after the commit, and its answer is part of ours.
@method_decorator(transaction.non_atomic_requests, name="dispatch")
class AccountDisconnectView(AccountsDoorView):
    """Disconnect an account; its messages stay."""

    @extend_schema(request=None, responses=AccountDetailSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Disconnect, and show the account as it is then; once more changes nothing."""
        account = self.find(pk)
        if not access_policy().may_manage(request.user, account):
            raise PermissionDenied("You may see this account, but not disconnect it.")
        disconnect_at_meta(account=account, reason=Event.DISCONNECTED, by=request.user)
        return Response(AccountDetailSerializer(self.find(pk)).data)
