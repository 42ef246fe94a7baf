"""App configuration."""

from django.apps import AppConfig
from django.core.checks import register


class SocialIntegrationsConfig(AppConfig):
    """Instagram messaging; ready() registers checks and nothing else."""

    name = "social_integrations"
    verbose_name = "Instagram"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks."""
        from . import checks  # noqa: PLC0415 - settings are not ready at import

        checks.register_all(register)
