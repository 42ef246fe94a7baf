"""Apply what Meta delivered and run background jobs."""

import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from social_integrations.engine import Engine, drain


class Command(BaseCommand):
    """Runs until it is stopped; any number of workers may run side by side."""

    help = "Apply received webhook events and run background jobs. Ctrl-C ends it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Offer a single pass for cron and scripts."""
        parser.add_argument(
            "--once", action="store_true", help="do everything that is due now, then end"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the engine in this process."""
        if options["once"]:
            applied, ran = drain()
            self.stdout.write(f"Applied {applied} events, ran {ran} jobs.")
            return
        engine = Engine()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: engine.stop())
        engine.start()
        self.stdout.write("Instagram worker is running.")
        engine.join()
        self.stdout.write("Instagram worker has stopped.")
