"""Files in the storage that have to go with the rows that named them."""

import logging
from collections.abc import Iterable, Sequence
from functools import partial

from django.core.files.storage import default_storage
from django.db import transaction

from .jobs import DELETE_COPIES, NewJob, enqueue_all

logger = logging.getLogger(__name__)

NAMES_PER_JOB = 500


def delete_after_commit(names: Sequence[str], *, reason: str) -> None:
    """Delete files once the caller's transaction commits; never before, and never without.

    A job written along finishes what a crash or a storage that is away leaves undone. `reason`
    stands in the log: what kind of rows they belonged to, no names.
    """
    if not names:
        return
    enqueue_all(
        NewJob(DELETE_COPIES, {"names": list(names[start : start + NAMES_PER_JOB])})
        for start in range(0, len(names), NAMES_PER_JOB)
    )
    transaction.on_commit(partial(_delete_now, list(names), reason), robust=True)


def delete_files(*, names: Iterable[str]) -> None:
    """Delete files from the storage; one that is gone already is fine."""
    for name in names:
        default_storage.delete(name)


def _delete_now(names: Sequence[str], reason: str) -> None:
    delete_files(names=names)
    logger.info("Audit: deleted %s %s", len(names), reason)
