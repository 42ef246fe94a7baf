"""Encrypt all stored tokens with the first key of INSTAGRAM_TOKEN_ENCRYPTION_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand

from social_integrations.services.key_rotation import encrypted_fields, rotate


class Command(BaseCommand):
    """Safe while everything runs, and safe to repeat; says what became of each field."""

    help = "Encrypt stored tokens with the first key, so that older keys can be removed."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Rotate field by field; end with what is left to do."""
        unreadable = 0
        for model, field in encrypted_fields():
            counts = rotate(model, field)
            unreadable += counts.unreadable
            self.stdout.write(
                f"{model._meta.label}.{field.name}: {counts.rotated} encrypted anew, "
                f"{counts.current} current already, {counts.changed} changed meanwhile, "
                f"{counts.unreadable} unreadable."
            )
        if unreadable:
            self.stdout.write(
                "No key in the setting reads the unreadable ones. Add the missing key and run this "
                "again, or connect the accounts again."
            )
        else:
            self.stdout.write("The first key reads everything; older keys can be removed.")
