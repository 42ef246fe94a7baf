"""How soon Meta may be called again, for each account and family of calls."""

from django.db import models

from .accounts import ConnectedAccount


class CallBudget(models.Model):
    """One row per account and family: no call before `free_at`, whichever process wants it."""

    account = models.ForeignKey(
        ConnectedAccount, models.CASCADE, related_name="call_budgets", db_index=False
    )
    family = models.CharField(max_length=16, help_text="Calls that share an allowance at Meta.")
    free_at = models.DateTimeField(help_text="When the next call may be made.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "family"], name="call_budget_once")
        ]

    def __str__(self) -> str:
        return f"{self.family} of {self.account_id}"
