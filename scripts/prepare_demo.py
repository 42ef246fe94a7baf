"""Bring a demo's tables, static files and staff account up to date, in one process."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402 - Django must be set up first
from django.core.management import CommandError, call_command  # noqa: E402


def prepare() -> None:
    """Do what a deployment does once; on the next run there is little left of it."""
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    users = get_user_model().objects
    if not users.filter(username=os.environ["DJANGO_SUPERUSER_USERNAME"]).exists():
        call_command("createsuperuser", interactive=False, verbosity=0)


if __name__ == "__main__":
    try:
        prepare()
    except CommandError as error:
        sys.exit(str(error))
