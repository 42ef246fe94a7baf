"""Files Meta takes only if it holds them before they are sent: GIF pictures.

Meta: a send takes PNG and JPEG at an address; GIF is on the list of its attachment upload alone,
which exists for Facebook Login and asks for `pages_messaging`. The ids it gives are good for 90
days; ours are used at once and not kept.
"""

import time
from collections.abc import Sequence
from dataclasses import replace

from django.utils.translation import gettext

from social_integrations.exceptions import DraftError, GraphRefusedError, GraphUnavailableError
from social_integrations.graph.client import GraphClient
from social_integrations.graph.errors import ErrorKind, explain
from social_integrations.graph.reading import read_text
from social_integrations.graph.sends import ATTACHMENTS, Media, upload_body
from social_integrations.media import sniffing
from social_integrations.media.sniffing import MediaType
from social_integrations.models import ConnectedAccount

UPLOAD_SCOPE = "pages_messaging"
UPLOADED_FIRST = frozenset({sniffing.GIF.content_type})
# No further upload begins after so many seconds: the last one and the send have to fit in as well.
PATIENCE_SECONDS = 12.0


def check_format(account: ConnectedAccount, found: MediaType) -> None:
    """Raise `DraftError` for a picture that can only be uploaded, where the account cannot."""
    may_upload = (
        account.login == ConnectedAccount.Login.FACEBOOK and UPLOAD_SCOPE in account.granted_scopes
    )
    if found.content_type in UPLOADED_FIRST and not may_upload:
        raise DraftError(
            "file_format",
            gettext("Through this account's connection Instagram takes no GIF pictures."),
            gettext("Save it as a video (MP4), or as JPEG, and choose it again."),
        )


def hosted(client: GraphClient, files: Sequence[Media]) -> list[Media]:
    """Return the files with those uploaded to Meta that have to be.

    Raises `GraphError`; nothing was sent then, whatever became of the upload.
    """
    ends = time.monotonic() + PATIENCE_SECONDS
    return [_uploaded(client, one, ends) if one.must_upload else one for one in files]


def _uploaded(client: GraphClient, media: Media, ends: float) -> Media:
    if time.monotonic() > ends:
        raise _not_sent("the uploads took too long")
    try:
        answer = client.post_json(ATTACHMENTS, upload_body(media))
    except GraphUnavailableError as error:
        raise _not_sent(str(error)) from None
    except GraphRefusedError as error:
        if explain(error.code, error.subcode).kind == ErrorKind.SENT:
            raise _not_sent("the upload failed") from None
        raise
    found = read_text(answer, "attachment_id")
    if not found:
        raise _not_sent("the upload was answered without an id")
    return replace(media, attachment_id=found)


def _not_sent(reason: str) -> GraphUnavailableError:
    return GraphUnavailableError(reason, may_have_arrived=False)
