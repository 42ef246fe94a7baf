"""The app's addresses; include them under `/api/social/instagram/`."""

from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods
from rest_framework.views import APIView

from .api.accounts import AccountDisconnectView, AccountListView, AccountView
from .api.connect import ConnectLinkView
from .api.conversations import (
    CannedReplyListView,
    ConversationListView,
    ConversationReadView,
    ConversationTakeOverView,
    ConversationTypingView,
    ConversationView,
    NoteListView,
    UpdatesView,
)
from .api.health import AccountHealthView
from .api.messages import (
    MessageListView,
    MessagePreviewView,
    MessageReactionView,
    MessageRetryView,
    MessageSettleView,
    MessageView,
)
from .api.outgoing import PrivateReplyListView, UploadListView
from .api.syncing import SyncView
from .api.views import ConnectionStatusView
from .views.choose import choose
from .views.connect import callback, open_link, result, start
from .views.deletion_status import deletion_status
from .views.doctor import doctor
from .views.media import media
from .views.meta_callbacks import data_deletion, deauthorize
from .views.uploads import outgoing_file, upload
from .views.webhook import webhook

app_name = "social_integrations"

make_link = ConnectLinkView.as_view()


@csrf_exempt  # POST knows no cookies, only a token
@require_http_methods(["GET", "POST"])
def start_door(request: HttpRequest) -> HttpResponseBase:
    """Start connecting: GET in a signed-in browser, POST with a frontend's token."""
    return make_link(request) if request.method == "POST" else start(request)


# Where the OpenAPI document looks for what POST takes and answers.
start_door.cls, start_door.initkwargs = ConnectLinkView, {}  # type: ignore[attr-defined]


webhook_urlpatterns: list[URLPattern] = [path("webhook/", webhook, name="webhook")]

connect_urlpatterns: list[URLPattern] = [
    path("oauth/start/", start_door, name="oauth-start"),
    path("oauth/open/", open_link, name="oauth-open"),
    path("oauth/callback/", callback, name="oauth-callback"),
    path("oauth/choose/<int:key>/", choose, name="oauth-choose"),
    path("oauth/result/", result, name="oauth-result"),
]

media_urlpatterns: list[URLPattern] = [
    path("media/<int:attachment_id>/", media, name="media"),
    path("uploads/<int:upload_id>/", upload, name="upload"),
    path("outgoing/<str:token>/", outgoing_file, name="outgoing-file"),
]
staff_urlpatterns: list[URLPattern] = [path("doctor/", doctor, name="doctor")]
callback_urlpatterns: list[URLPattern] = [
    path("deauthorize/", deauthorize, name="deauthorize"),
    path("data-deletion/", data_deletion, name="data-deletion"),
    path("data-deletion/status/<str:code>/", deletion_status, name="deletion-status"),
]

api_urlpatterns: list[URLPattern] = [
    path("connection/status/", ConnectionStatusView.as_view(), name="connection-status"),
    path("accounts/", AccountListView.as_view(), name="accounts"),
    path("accounts/<int:pk>/", AccountView.as_view(), name="account"),
    path(
        "accounts/<int:pk>/disconnect/",
        AccountDisconnectView.as_view(),
        name="account-disconnect",
    ),
    path("accounts/<int:pk>/health/", AccountHealthView.as_view(), name="account-health"),
    path("accounts/<int:pk>/sync/", SyncView.as_view(), name="account-sync"),
    path("accounts/<int:pk>/uploads/", UploadListView.as_view(), name="account-uploads"),
    path(
        "accounts/<int:pk>/private-replies/",
        PrivateReplyListView.as_view(),
        name="account-private-replies",
    ),
]

conversation_views: dict[str, tuple[str, type[APIView]]] = {
    "conversations": ("conversations/", ConversationListView),
    "conversation": ("conversations/<int:pk>/", ConversationView),
    "conversation-read": ("conversations/<int:pk>/read/", ConversationReadView),
    "conversation-typing": ("conversations/<int:pk>/typing/", ConversationTypingView),
    "conversation-take-over": ("conversations/<int:pk>/take-over/", ConversationTakeOverView),
    "conversation-notes": ("conversations/<int:pk>/notes/", NoteListView),
    "conversation-messages": ("conversations/<int:pk>/messages/", MessageListView),
    "message-preview": ("conversations/<int:pk>/messages/preview/", MessagePreviewView),
    "message": ("messages/<int:pk>/", MessageView),
    "message-retry": ("messages/<int:pk>/retry/", MessageRetryView),
    "message-settle": ("messages/<int:pk>/settle/", MessageSettleView),
    "message-reaction": ("messages/<int:pk>/reaction/", MessageReactionView),
    "canned-replies": ("canned-replies/", CannedReplyListView),
    "updates": ("updates/", UpdatesView),
}
conversation_urlpatterns: list[URLPattern] = [
    path(route, view.as_view(), name=name) for name, (route, view) in conversation_views.items()
]

urlpatterns = [
    *webhook_urlpatterns,
    *connect_urlpatterns,
    *callback_urlpatterns,
    *media_urlpatterns,
    *staff_urlpatterns,
    *api_urlpatterns,
    *conversation_urlpatterns,
]
