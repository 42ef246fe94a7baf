"""What one emulated Meta app is made of."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

WEBHOOK_PATH = "/api/social/instagram/webhook/"


@dataclass(frozen=True, kw_only=True, slots=True)
class EmulatorConfig:
    """The app's credentials, the CRM's addresses, and how patiently webhooks are delivered."""

    app_id: str
    app_secret: str
    verify_token: str
    redirect_uri: str
    webhook_url: str = ""
    """Where webhooks go; empty means the usual path on the redirect URI's origin."""
    login_app_id: str = ""
    """The app's id for Instagram Login; empty switches that login off."""
    login_app_secret: str = ""
    """The secret that goes with it, another one than the app secret."""
    store_path: str = ""
    """SQLite file that survives a restart; empty keeps everything in memory."""
    app_name: str = "CRM (emulated app)"
    api_version: str = "v26.0"
    webhook_timeout: float = 5.0
    """Seconds the CRM has to answer a delivery, as Meta documents."""
    retry_delays: tuple[float, ...] = (0.5, 1, 2, 4, 8, 16, 30)
    """Seconds before each next attempt; the last one repeats."""
    retry_limit: float = 36 * 3600.0
    """Seconds after which an unanswered delivery is dropped."""
    handshake_patience: float = 60.0
    """Seconds the start-up handshake keeps trying; 0 skips it."""
    clock: Callable[[], float] = time.time

    @property
    def callback_url(self) -> str:
        """The webhook address in force."""
        return self.webhook_url or default_webhook_url(self.redirect_uri)

    def secret_of(self, signer: str) -> str:
        """Find the secret of `meta` or `instagram`."""
        return self.login_app_secret if signer == "instagram" else self.app_secret


def default_webhook_url(redirect_uri: str) -> str:
    """Put the webhook on the same origin as the OAuth callback."""
    parts = urlsplit(redirect_uri)
    return f"{parts.scheme}://{parts.netloc}{WEBHOOK_PATH}" if parts.netloc else ""
