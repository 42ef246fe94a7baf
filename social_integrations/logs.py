"""A log formatter that keeps tokens, secrets and control characters out of log files."""

import logging
import re

# Parameters Meta wants in addresses, which HTTP libraries log; and tokens by their beginnings.
SECRET_PARAMETER = re.compile(
    r"(?i)(?:\b|(?<=%[0-9a-f]{2}))(access_token|client_secret|code|fb_exchange_token|input_token|appsecret_proof|state|ticket"
    r"|signed_request|hub\.verify_token)(=|%3D)[^&\s\"']+"
)
BEARER = re.compile(r"(?i)\b(bearer)\s+[\w.~+/=-]+")
# The signature of a link to a file; the address Meta fetches it by.
FILE_LINK = re.compile(r"(/outgoing/\w+:\w+:)[\w-]+")
META_TOKEN = re.compile(r"\b(?:EAA|IGAA|IGQV)[\w-]{8,}")
# A stranger decides how long an address or a header is.
MESSAGE_LENGTH = 2000
# Everything that could start a line of its own or steer a terminal.
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\u2028\u2029\x85]")


def redact(text: str) -> str:
    """Return the text without the values of known secrets."""
    text = SECRET_PARAMETER.sub(r"\1\2[hidden]", text)
    text = BEARER.sub(r"\1 [hidden]", text)
    text = FILE_LINK.sub(r"\1[hidden]", text)
    return META_TOKEN.sub("[hidden]", text)


class RedactingFormatter(logging.Formatter):
    """Formats like its base, then hides secrets, in the message and in tracebacks alike."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the base's name
        """Keep a record on one line, whatever a stranger put into it."""
        line = super().formatMessage(record)
        if len(line) > MESSAGE_LENGTH:
            line = f"{line[:MESSAGE_LENGTH]}… ({len(line)} characters)"
        return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", line)

    def format(self, record: logging.LogRecord) -> str:
        """Hide secrets in all of it."""
        return redact(super().format(record))
