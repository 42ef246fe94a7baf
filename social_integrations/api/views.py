"""The API's views: who asks, one selector, the answer."""

from collections.abc import Callable, Sequence
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.decorators import method_decorator
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView
from rest_framework_simplejwt.views import TokenViewBase

from social_integrations.access import access_policy

from .authentication import JWTAuthentication
from .errors import exception_handler
from .parsers import CappedFormParser, CappedMultiPartParser, StrictJSONParser
from .schema import OurSchema
from .serializers import TokenObtainSerializer, TokenRotateSerializer
from .shapes import Status, TokenRefresh, TokenRequest, Tokens
from .status import FACTS, answer_poll, answer_status

DEFAULT_TOKEN_RATE = "20/min"  # noqa: S105 - a throttle rate


class TokenThrottle(ScopedRateThrottle):
    """Counts tries at the token doors by address; the rate is read at use time."""

    def get_rate(self) -> str | None:
        """Return the host's rate for the scope, or ours where it sets none."""
        rates = api_settings.DEFAULT_THROTTLE_RATES or {}
        rate = rates.get(str(self.scope), DEFAULT_TOKEN_RATE)
        return str(rate) if rate else None


class JSONOnlyView(APIView):
    """Our parsers, renderer and error shape, whatever the host project's defaults are."""

    renderer_classes = (JSONRenderer,)
    parser_classes: Sequence[type[BaseParser]] = (StrictJSONParser,)
    schema = OurSchema()

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response | None]:
        """Return the handler of this API's error shape."""
        return exception_handler

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Keep answers out of caches unless the view says otherwise."""
        final = super().finalize_response(request, response, *args, **kwargs)
        final.headers.setdefault("Cache-Control", "no-store")
        patch_vary_headers(final, ["Authorization"])
        return final


# Not atomic: revoking a family has to outlive the 401 that reports it.
@method_decorator(transaction.non_atomic_requests, name="dispatch")
class TokenDoorView(JSONOnlyView, TokenViewBase):
    """What both token doors share."""

    parser_classes = (StrictJSONParser, CappedFormParser, CappedMultiPartParser)
    throttle_classes = (TokenThrottle,)
    throttle_scope = "token"
    refusals = {"POST": (401,)}


@extend_schema(request=TokenRequest, responses=Tokens)
class TokenView(TokenDoorView):
    """Exchange user name and password for tokens."""

    serializer_class = TokenObtainSerializer


@extend_schema(request=TokenRefresh, responses=Tokens)
class TokenRefreshView(TokenDoorView):
    """Exchange a refresh token for the next pair."""

    serializer_class = TokenRotateSerializer


class ConnectionStatusView(JSONOnlyView):
    """Which accounts the caller may see, whether they work, and what to do if not."""

    authentication_classes = (JWTAuthentication,)
    permission_classes = (IsAuthenticated,)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Spare a caller who brings an `ETag` everything the REST framework does."""
        return answer_poll(request) or super().dispatch(request, *args, **kwargs)

    @extend_schema(responses={200: Status, 304: None})
    def get(self, request: Request) -> HttpResponseBase:
        """Answer the status, or 304 to a caller who has it already."""
        accounts = list(access_policy().accounts_for(request.user).only(*FACTS))
        return answer_status(request._request, accounts)
