"""The WSGI entry point servers load."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amanati_crm.settings")

application = get_wsgi_application()
