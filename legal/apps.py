"""App configuration of the legal pages."""

from django.apps import AppConfig
from django.core.checks import register

from legal import checks


class LegalConfig(AppConfig):
    """Public legal pages that state who operates the installation."""

    name = "legal"
    verbose_name = "Legal pages"

    def ready(self) -> None:
        """Register the checks, and nothing else."""
        register(checks.check_operator_details, "legal")
