"""The staff inbox's addresses; include them under `/inbox/`."""

from django.urls import URLPattern, path

from .views.inbox import actions, composing, media, notes, pages, updates

app_name = "instagram_inbox"

reading_urlpatterns: list[URLPattern] = [
    path("", pages.conversation_list, name="list"),
    path("<int:pk>/", pages.thread, name="thread"),
    path("<int:pk>/older/", pages.older, name="older"),
    path("updates/", updates.updates, name="updates"),
    path("stream/", updates.stream, name="stream"),
]
media_urlpatterns: list[URLPattern] = [
    path("pictures/<int:pk>/", media.picture, name="picture"),
    path("attachments/<int:pk>/", media.attachment, name="attachment"),
    path("stories/<int:pk>/", media.story, name="story"),
]
answering_urlpatterns: list[URLPattern] = [
    path("<int:pk>/send/", composing.send, name="send"),
    path("<int:pk>/preview/", composing.preview, name="preview"),
    path("<int:pk>/upload/", composing.upload, name="upload"),
    path("<int:pk>/typing/", composing.typing, name="typing"),
    path("<int:pk>/window/", composing.window, name="window"),
    path("<int:pk>/note/", notes.note, name="note"),
    path("<int:pk>/assign/", actions.assign, name="assign"),
    path("<int:pk>/status/", actions.status, name="status"),
    path("<int:pk>/read/", actions.read, name="read"),
    path("<int:pk>/reference/", actions.reference, name="reference"),
    path("<int:pk>/take-over/", actions.take_over, name="take-over"),
    path("<int:pk>/messages/<int:message>/retry/", actions.retry, name="retry"),
    path("<int:pk>/messages/<int:message>/settle/", actions.settle, name="settle"),
    path("<int:pk>/messages/<int:message>/react/", actions.react, name="react"),
]

urlpatterns = [*reading_urlpatterns, *media_urlpatterns, *answering_urlpatterns]
