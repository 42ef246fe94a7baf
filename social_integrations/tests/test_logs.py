"""Nothing secret and nothing forged reaches a log file."""

import logging
import sys

import pytest

from social_integrations.logs import RedactingFormatter

FORMATTER = RedactingFormatter("%(levelname)s %(message)s")


def line(message: str, *args: object, exc_info: bool = False) -> str:
    info = sys.exc_info() if exc_info else None
    record = logging.LogRecord("x", logging.DEBUG, __file__, 1, message, args, info)
    return FORMATTER.format(record)


@pytest.mark.parametrize(
    "text",
    [
        "GET /oauth/access_token?client_id=7&client_secret=hush&code=hush HTTP/1.1",
        "?input_token=hush&access_token=hush",
        "?redirect=x%3Fstate%3Dhush",
        "Authorization: Bearer hush.hush-hush",
        "signed_request=hush",
        "EAAhushhushhush",
        "IGAAhushhushhush",
        "Not Found: /api/social/instagram/outgoing/81:1xY3sl:hush-hush_hush/",
        '"GET /webhook/?hub.mode=subscribe&hub.verify_token=hush"',
    ],
)
def test_secrets_are_hidden(text: str) -> None:
    assert "hush" not in line("%s", text)
    assert "[hidden]" in line("%s", text)


def test_what_is_no_secret_stays() -> None:
    text = "Job 7 (fetch_profile) failed: GraphUnavailableError, postcode=12"
    assert line(text) == f"DEBUG {text}"


def test_secrets_in_tracebacks_are_hidden() -> None:
    try:
        raise ValueError("https://graph.facebook.com/me?access_token=hush")
    except ValueError:
        text = line("failed", exc_info=True)
    assert "Traceback" in text
    assert "hush" not in text


def test_a_message_of_any_length_is_cut() -> None:
    assert len(line("x" * 100_000)) < 2100


def test_a_message_stays_on_one_line() -> None:
    assert line("a\nb\r\x1b[31m\u2028c") == r"DEBUG a\x0ab\x0d\x1b[31m\x2028c"
