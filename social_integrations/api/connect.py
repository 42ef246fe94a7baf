"""The JSON door to connecting: a link for a frontend whose browser has no session of ours."""

from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from social_integrations.conf import app_settings
from social_integrations.exceptions import ConnectError
from social_integrations.models import ConnectedAccount
from social_integrations.services import consent
from social_integrations.services.connect_problems import describe_problem
from social_integrations.services.oauth_state import LINK_LIFETIME

from .authentication import JWTAuthentication
from .shapes import ConnectLink
from .views import JSONOnlyView


class ConnectRefused(APIException):
    """Connecting cannot start; code, words and status are those of the pages."""

    def __init__(self, error: ConnectError) -> None:
        problem = describe_problem(error.code, error.detail)
        super().__init__(f"{problem.sentence} {problem.next_step}", error.code)
        self.status_code = problem.status


class ConnectLinkRequest(serializers.Serializer[Any]):
    """Which login to use, and where to return to; both may be left out."""

    login = serializers.ChoiceField(ConnectedAccount.Login.choices, required=False, default="")
    return_url = serializers.CharField(required=False, default="", allow_blank=True)


class ConnectLinkView(JSONOnlyView):
    """Give out a one-time link, good for two minutes, that leads a browser to Meta's dialog."""

    authentication_classes = (JWTAuthentication,)
    permission_classes = (IsAuthenticated,)
    refusals = {"POST": (400, 403, 503)}

    @extend_schema(request=ConnectLinkRequest, responses=ConnectLink)
    def post(self, request: Request) -> Response:
        """Answer `{"authorization_url": …, "expires_in": 120}`; the link stands for the caller."""
        wanted = ConnectLinkRequest(data=request.data)
        wanted.is_valid(raise_exception=True)
        try:
            ticket = consent.make_ticket(
                user=request.user,  # type: ignore[arg-type]
                login=consent.choose_login(wanted.validated_data["login"]),
                return_url=consent.check_return_url(wanted.validated_data["return_url"]),
            )
        except ConnectError as error:
            raise ConnectRefused(error) from None
        return Response(
            {
                "authorization_url": _link(ticket),
                "expires_in": int(LINK_LIFETIME.total_seconds()),
            }
        )


def _link(ticket: str) -> str:
    """Return the address to open, on the callback's host: the session must be found there."""
    origin = urlsplit(app_settings.REDIRECT_URI)
    path = reverse("social_integrations:oauth-open")
    return urlunsplit((origin.scheme, origin.netloc, path, urlencode({"ticket": ticket}), ""))
