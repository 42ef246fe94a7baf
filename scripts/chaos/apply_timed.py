"""Apply everything that waits, in batches of one size; print each one's cost and size.

Processor time, not time on the clock: other programs on the machine do not change it.
"""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import django

django.setup()

from social_integrations.services.applying import apply_pending  # noqa: E402


def main(size: int) -> None:
    """Print a list of [processor seconds, items]."""
    times = []
    while True:
        started = time.process_time()
        count = apply_pending(size)
        if not count:
            break
        times.append([time.process_time() - started, count])
    print(json.dumps(times))


if __name__ == "__main__":
    main(int(sys.argv[1]))
