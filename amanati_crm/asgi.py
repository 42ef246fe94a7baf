"""The ASGI entry point: as the WSGI one, and the inbox's stream of changes beside it."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amanati_crm.settings")

django_application = get_asgi_application()

# Only now: the app's modules need Django set up.
from social_integrations.views.inbox.stream import with_stream  # noqa: E402

application = with_stream(django_application)
