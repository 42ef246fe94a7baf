"""Hypothesis profiles: `normal`, and `long` with ten times the examples (`make laws`)."""

import os

from hypothesis import settings

settings.register_profile("normal", max_examples=100, deadline=None, print_blob=True)
settings.register_profile("long", max_examples=1000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "normal"))
