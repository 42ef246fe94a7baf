"""Bring the translations up to date: collect what is to be translated, compile what has been.

Needs GNU gettext. `make messages` calls this; afterwards translate what is empty or marked fuzzy in
`locale/ka/LC_MESSAGES/django.po` of the app and of the project, and call it again.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Folder with a `locale` of its own → what is not its to translate.
PLACES = {ROOT / "social_integrations": ["tests/*", "emulator/*"], ROOT: ["*"]}
PROJECT_PARTS = ("amanati_crm", "templates")


def django(folder: Path, *arguments: str) -> None:
    """Run one of Django's commands in a folder."""
    command = [sys.executable, "-P", "-m", "django", *arguments]
    subprocess.run(command, cwd=folder, check=True)


def collect(folder: Path) -> None:
    """Write the texts found in a folder into its catalogues."""
    if folder == ROOT:
        others = [
            path.name
            for path in ROOT.iterdir()
            if path.is_dir() and path.name not in (*PROJECT_PARTS, "locale")
        ]
        ignored = [f"{name}/*" for name in others] + ["amanati_crm/tests/*", "conftest.py"]
    else:
        ignored = PLACES[folder]
    rules = [part for pattern in ignored for part in ("--ignore", pattern)]
    django(folder, "makemessages", "--locale", "ka", "--no-location", "--no-wrap", *rules)


def main() -> int:
    """Do all of it; return the exit code."""
    for folder in PLACES:
        collect(folder)
        django(folder, "compilemessages", "--ignore", ".venv", "--ignore", "social_integrations/*")
    return 0


if __name__ == "__main__":
    sys.exit(main())
