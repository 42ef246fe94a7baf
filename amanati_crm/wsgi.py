"""The WSGI entry point servers load."""

import os
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amanati_crm.settings")

django_application = get_wsgi_application()


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Call Django with a content type that cannot choose a decoder; answer HEAD without a body.

    Django looks the charset up before any middleware runs, and some names make that fail. Every
    body here is UTF-8. Waitress and gunicorn send whatever they are given: after HEAD a client
    would take it for the beginning of the next answer.
    """
    content_type = environ.get("CONTENT_TYPE", "")
    if "charset" in content_type.lower() or "*" in content_type:
        environ["CONTENT_TYPE"] = content_type.partition(";")[0]
    answer = django_application(environ, start_response)
    if environ["REQUEST_METHOD"] != "HEAD":
        return answer
    answer.close()
    return [b""]  # one piece: of none waitress makes chunks, which end with a body of their own
