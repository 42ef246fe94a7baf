"""A project that is not ours, as the README sets one up: its people are keyed by a UUID."""
