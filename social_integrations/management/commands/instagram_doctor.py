"""Say what keeps messages from arriving, and what to do about it."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.db.models import Q

from social_integrations.models import ConnectedAccount
from social_integrations.selectors import without_tokens
from social_integrations.services.doctor.examining import examine, subscribe_again
from social_integrations.services.doctor.rows import Level, Report, Row

MARKS = {Level.GREEN: "ok", Level.AMBER: "AMBER", Level.RED: "RED", Level.GREY: "-"}
COULD_NOT_CHECK = 3
LONGEST_KEY = 18


class Command(BaseCommand):
    """Ends with 0 if all is green, 1 if something is amber, 2 if something is red."""

    help = (
        "Check settings, public address, Meta app, accounts and worker, in that order. "
        "Exit code: 0 green, 1 amber, 2 red, 3 no such account."
    )
    # It has to run where Django's system checks fail: they are its first rows.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take one account, and how to answer."""
        parser.add_argument(
            "--account", default="", help="number, Instagram id or username; default: all"
        )
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.add_argument(
            "--subscribe", action="store_true", help="first ask Meta again to deliver events"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Examine, print, and end with the exit code."""
        accounts = _accounts(options["account"])
        if options["subscribe"]:
            for account in accounts:
                self._subscribe(account)
        report = examine(accounts=accounts)
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json(), indent=2))
        else:
            self._print(report)
        if report.exit_code:
            sys.exit(report.exit_code)

    def _subscribe(self, account: ConnectedAccount) -> None:
        reason = subscribe_again(account=account)
        # JSON stands alone on the standard output.
        self.stderr.write(f"{account}: {reason or 'subscribed again.'}")

    def _print(self, report: Report) -> None:
        width = max(len(_title(row)) for row in report.rows)
        for row in report.rows:
            self.stdout.write(f"{MARKS[row.level]:>5}  {_title(row):<{width}}  {row.sentence}")
            if row.next_step:
                self.stdout.write(f"{'':>{width + 7}}  -> {row.next_step}")
        if first := report.first:
            self.stdout.write(f"\nMend first: {_title(first)}. {first.next_step}")
        else:
            self.stdout.write("\nAll is well.")


def _title(row: Row) -> str:
    return f"{row.title} ({row.account})" if row.account else row.title


def _accounts(wanted: str) -> list[ConnectedAccount]:
    accounts = without_tokens(ConnectedAccount.objects.all())
    try:
        if not wanted:
            return list(accounts)
        name = wanted.removeprefix("@")
        named = Q(username__iexact=name) | Q(instagram_account_id=name)
        if name.isascii() and name.isdecimal() and len(name) <= LONGEST_KEY:
            named |= Q(pk=int(name))
        found = list(accounts.filter(named))
    except DatabaseError:
        return []  # the doctor's own row says more
    if not found:
        message = f"There is no account {wanted}."
        raise CommandError(message, returncode=COULD_NOT_CHECK)
    return found
