"""Describe a failure for the admin without repeating what a customer wrote."""

import traceback

from social_integrations.exceptions import SocialIntegrationsError


def describe(error: Exception) -> str:
    """Return what kind of error it was and where, innermost place first.

    An exception's own words may repeat a payload or an address with a token in it, so they are
    kept only for errors of ours.
    """
    frames = traceback.extract_tb(error.__traceback__)
    places = [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames
    ]
    words = f": {error}" if isinstance(error, SocialIntegrationsError) else ""
    return "\n".join([f"{type(error).__name__}{words}", *reversed(places)])


def describe_in_a_line(error: Exception) -> str:
    """Return the same for a log."""
    return ", ".join(describe(error).splitlines())
