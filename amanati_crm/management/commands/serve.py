"""Serve the project on one machine."""

from argparse import ArgumentParser
from typing import Any

import waitress
from django.core.management.base import BaseCommand, CommandError

from amanati_crm.wsgi import application
from social_integrations.conf import app_settings
from social_integrations.engine import Engine
from social_integrations.services.outgoing_media import LARGEST_FILE

# A request is handed to a thread only once it has arrived completely, so slow clients cost a
# buffer, not a thread; these bounds keep the buffers small and the slots free.
THREADS = 8
CONNECTIONS = 1000
IDLE_SECONDS = 30
# What a form or a delivery holds beside its largest part.
BODY_SLACK = 1024 * 1024


class Command(BaseCommand):
    """Waitress: one process, threads, no compiler, the same on every system."""

    help = "Serve the CRM with waitress. Refuses to start while a system check fails."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Choose the address and whether the worker runs inside."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--threads", type=int, default=THREADS)
        parser.add_argument(
            "--with-worker", action="store_true", help="run the Instagram worker in this process"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Bind first, so that a taken port is said before anything else runs."""
        if not 0 <= options["port"] < 65536:
            raise CommandError(f"{options['port']} is not a port: they end at 65535.")
        try:
            server = waitress.create_server(
                application,
                host=options["host"],
                port=options["port"],
                threads=options["threads"],
                connection_limit=CONNECTIONS,
                channel_timeout=IDLE_SECONDS,
                cleanup_interval=5,
                max_request_body_size=max(app_settings.WEBHOOK_MAX_BYTES, LARGEST_FILE)
                + BODY_SLACK,
                asyncore_use_poll=True,
                # Django decides what to believe of a proxy (TRUST_X_FORWARDED_PROTO, NUM_PROXIES).
                clear_untrusted_proxy_headers=False,
                ident=None,
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise CommandError(
                f"Port {options['port']} on {options['host']} cannot be used: {reason}."
            ) from error
        engine = Engine()
        if options["with_worker"]:
            engine.start()
        self.stdout.write(f"Serving on http://{options['host']}:{options['port']}/")
        try:
            server.run()
        finally:
            engine.stop()
