"""Check style, types, missing migrations, and that a production set-up passes Django's checks."""

import os
import subprocess
import sys

from cryptography.fernet import Fernet

PYTHON = sys.executable
# A production set-up as .env.example describes it, with made-up values.
PRODUCTION = {
    "SECRET_KEY": "lint-" + "0123456789abcdefghijklmnopqrstuvwxyz" * 2,
    "ALLOWED_HOSTS": "crm.operator.org",
    "INSTAGRAM_APP_ID": "700000000000001",
    "INSTAGRAM_APP_SECRET": "0123456789abcdef0123456789abcdef",
    "INSTAGRAM_WEBHOOK_VERIFY_TOKEN": "a-long-random-text-of-forty-characters-00",
    "INSTAGRAM_REDIRECT_URI": "https://crm.operator.org/api/social/instagram/oauth/callback/",
    "INSTAGRAM_TOKEN_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    "LEGAL_OPERATOR_NAME": "Operator Ltd",
    "LEGAL_OPERATOR_ADDRESS": "1 Main Street, Tbilisi",
    "LEGAL_CONTACT_EMAIL": "privacy@operator.org",
    "LEGAL_EFFECTIVE_DATE": "2026-11-23",
}
STEPS = {
    "style": [PYTHON, "-m", "ruff", "check", "."],
    "format": [PYTHON, "-m", "ruff", "format", "--check", "."],
    "types": [PYTHON, "-m", "mypy", "."],
    "migrations": [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"],
    "schema": [
        *(PYTHON, "manage.py", "spectacular", "--validate", "--fail-on-warn"),
        *("--file", os.devnull),
    ],
    "deployment": [PYTHON, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
}


def main() -> int:
    """Run every step, also after a failure; return 1 if any failed."""
    environment = {**os.environ, **PRODUCTION}
    failed = []
    for name, command in STEPS.items():
        sys.stdout.write(f"--- {name}\n")
        sys.stdout.flush()
        if subprocess.run(command, env=environment, check=False).returncode:
            failed.append(name)
    sys.stdout.write(f"Failed: {', '.join(failed)}\n" if failed else "All checks passed.\n")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
