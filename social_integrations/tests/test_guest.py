"""The app in a project that is not ours: one with people whose keys are no numbers."""

import json
import subprocess
import sys


def test_people_keyed_by_a_uuid_do_everything_people_with_numbers_do() -> None:
    settings = "social_integrations.tests.guest.settings"
    visit = [sys.executable, "-m", "django", "visit", f"--settings={settings}"]
    seen = subprocess.run(visit, capture_output=True, text=True, check=False)
    assert seen.returncode == 0, seen.stderr
    assert json.loads(seen.stdout) == {
        "status again": 304,
        "nothing new": 204,
        "assigned": True,
        "told": [True],
        "page": 200,
        "names colleagues": True,
        "news": 200,
        "given": [303, True],
        "documented": True,
        "doctor": ["legal_details"],
    }
