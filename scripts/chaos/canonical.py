"""Print every conversation as JSON, without row numbers and our clock, as one JSON text."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import django

django.setup()

from social_integrations.tests.conversations import canonical  # noqa: E402 - after set-up

if __name__ == "__main__":
    print(json.dumps(canonical().decode()))
