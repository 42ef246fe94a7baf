"""The error table: closed by default, and every row says something."""

import pytest

from social_integrations.graph.errors import ROWS, ROWS_BY_CODE, UNKNOWN, ErrorKind, explain


@pytest.mark.parametrize(
    ("code", "subcode", "kind"),
    [
        (10, 2534022, ErrorKind.WINDOW),
        (10, None, ErrorKind.PERMISSION),
        (200, 2534041, ErrorKind.PERMISSION),
        (190, None, ErrorKind.AUTH),
        (190, 463, ErrorKind.AUTH),
        (190, 99999, ErrorKind.AUTH),
        (4, None, ErrorKind.THROTTLED),
        (613, 2534040, ErrorKind.THROTTLED),
        (1, None, ErrorKind.TEMPORARY),
        (1, 1357046, ErrorKind.SENT),
        (551, 1545041, ErrorKind.UNAVAILABLE_PERSON),
        (230, None, ErrorKind.UNAVAILABLE_PERSON),
        (100, 2018109, ErrorKind.MEDIA),
        (100, 2018300, ErrorKind.THREAD),
        (3, None, ErrorKind.APP),
    ],
)
def test_kinds(code: int, subcode: int | None, kind: ErrorKind) -> None:
    assert explain(code, subcode).kind is kind


@pytest.mark.parametrize(
    ("code", "subcode"),
    [(0, None), (10, 1), (100, None), (200, 7), (1, 99), (2, 99), (99999, None)],
)
def test_what_is_not_listed_is_unknown_and_final(code: int, subcode: int | None) -> None:
    assert explain(code, subcode) is UNKNOWN
    assert not UNKNOWN.retryable


def test_only_throttling_and_passing_faults_are_retried() -> None:
    rows = [*ROWS.values(), *ROWS_BY_CODE.values()]
    assert {row.kind for row in rows if row.retryable} == {
        ErrorKind.THROTTLED,
        ErrorKind.TEMPORARY,
    }


def test_every_row_speaks() -> None:
    for row in [*ROWS.values(), *ROWS_BY_CODE.values(), UNKNOWN]:
        assert row.sentence.endswith(".")
        assert row.next_step.endswith(".")
