"""The staff inbox's addresses; include them under `/inbox/`."""

from django.urls import URLPattern, path

from .views.inbox import media, pages, updates

app_name = "instagram_inbox"

reading_urlpatterns: list[URLPattern] = [
    path("", pages.conversation_list, name="list"),
    path("<int:pk>/", pages.thread, name="thread"),
    path("<int:pk>/older/", pages.older, name="older"),
    path("updates/", updates.updates, name="updates"),
]
media_urlpatterns: list[URLPattern] = [
    path("pictures/<int:pk>/", media.picture, name="picture"),
    path("attachments/<int:pk>/", media.attachment, name="attachment"),
    path("stories/<int:pk>/", media.story, name="story"),
]

urlpatterns = [*reading_urlpatterns, *media_urlpatterns]
