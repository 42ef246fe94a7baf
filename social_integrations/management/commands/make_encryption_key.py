"""Make a key for stored tokens."""

from typing import Any

from cryptography.fernet import Fernet
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Prints a new key and keeps nothing."""

    help = "Print a new key for INSTAGRAM_TOKEN_ENCRYPTION_KEYS."
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Print the key."""
        self.stdout.write(Fernet.generate_key().decode())
