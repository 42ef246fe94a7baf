"""Delete a connected account and everything received for it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from social_integrations.models import ConnectedAccount, Message
from social_integrations.selectors import without_tokens
from social_integrations.services.privacy import erase_account


class Command(BaseCommand):
    """Says what would go; with --yes, deletes it."""

    help = "Delete an account with its token, people, conversations, messages and ledger items."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the account, and the word that it is meant."""
        parser.add_argument("instagram_account_id", help="as the admin shows it")
        parser.add_argument("--yes", action="store_true", help="really delete")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Delete, or count."""
        wanted = options["instagram_account_id"]
        accounts = without_tokens(ConnectedAccount.objects.all())
        account = accounts.filter(instagram_account_id=wanted).first()
        if account is None:
            raise CommandError(f"No connected account has the id {wanted}.")
        messages = Message.objects.filter(account=account).count()
        what = f"{account}, {account.contacts.count()} people and {messages} messages"
        if options["yes"]:
            erase_account(account=account)
            self.stdout.write(f"Deleted {what}.")
        else:
            self.stdout.write(f"This would delete {what}. Add --yes to do it.")
