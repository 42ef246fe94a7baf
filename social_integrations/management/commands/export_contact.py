"""Print everything kept about a contact."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder

from social_integrations.models import Contact
from social_integrations.services.exporting import export_contact


class Command(BaseCommand):
    """Writes JSON, to be given to the person it is about."""

    help = "Print everything kept about a contact as JSON; nothing about anybody else."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the contact."""
        parser.add_argument("contact_id", type=int, help="the number in the address of its page")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the JSON."""
        try:
            held = export_contact(contact_id=options["contact_id"])
        except (Contact.DoesNotExist, OverflowError):
            raise CommandError(f"There is no contact {options['contact_id']}.") from None
        self.stdout.write(json.dumps(held, cls=DjangoJSONEncoder, indent=2, ensure_ascii=False))
