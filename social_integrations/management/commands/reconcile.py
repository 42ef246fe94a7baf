"""Compare accounts' conversations at Meta with ours, and import what is missing."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from social_integrations.models import ConnectedAccount, Reconciliation
from social_integrations.selectors import without_tokens
from social_integrations.services import reconcile_triggers
from social_integrations.services.reconciling import Reason, start
from social_integrations.tasks import run_next_job

IDLE_SECONDS = 0.5


class Command(BaseCommand):
    """Starts a run per account; the worker does the work, or this command with --wait."""

    help = "Reconcile connected accounts with Instagram: fetch messages Meta never delivered."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take one account, and whether to stay until the end."""
        parser.add_argument("--account", default="", help="its Instagram id; default: all")
        parser.add_argument(
            "--wait", action="store_true", help="run due jobs here until the end, then say counts"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Start, and with --wait work until every run has ended."""
        runs = [start(account, Reason.REQUEST)[0] for account in _accounts(options["account"])]
        if not options["wait"]:
            self.stdout.write(f"Started or running: {len(runs)}. The worker does the rest.")
            return
        failed = [run for run in map(_wait_for, runs) if not self._told(run)]
        if failed:
            raise CommandError(f"Not reconciled: {len(failed)} of {len(runs)}.")

    def _told(self, run: Reconciliation) -> bool:
        """Say what came of a run; return whether it came to its end."""
        self.stdout.write(
            f"{run.account}: {run.conversations} conversations, {run.messages} messages, "
            f"{run.imported} imported, {run.unreadable} unreadable. {run.error}".rstrip()
        )
        return run.state == Reconciliation.State.DONE


def _accounts(wanted: str) -> list[ConnectedAccount]:
    accounts = without_tokens(ConnectedAccount.objects.all())
    if not wanted:
        return list(accounts.filter(status=ConnectedAccount.Status.CONNECTED))
    account = accounts.filter(instagram_account_id=wanted).first()
    if account is None:
        raise CommandError(f"No connected account has the id {wanted}.")
    return [account]


def _wait_for(run: Reconciliation) -> Reconciliation:
    """Run due jobs until the run has ended; a worker beside us may do its share."""
    runs = Reconciliation.objects.select_related("account").defer("account__access_token")
    while (now := runs.get(pk=run.pk)).state == Reconciliation.State.RUNNING:
        if not run_next_job():
            reconcile_triggers.recover()
            time.sleep(IDLE_SECONDS)
    return now
