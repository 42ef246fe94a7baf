"""Meta's words in ours: one table per question, each entry ready for translation."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Type of an attachment → what a row of the list calls it.
SNIPPETS: dict[str, Promise | str] = {
    "image": _("Picture"),
    "video": _("Video"),
    "audio": _("Voice message"),
    "file": _("File"),
    "sticker": _("Sticker"),
    "like_heart": "❤️",
    "share": _("Shared post"),
    "ig_post": _("Shared post"),
    "ig_reel": _("Shared reel"),
    "reel": _("Shared reel"),
    "ig_story": _("Shared story"),
    "story": _("Shared story"),
    "story_mention": _("Mention in a story"),
    "template": _("Card with buttons"),
    "ephemeral": _("Picture or video to view once"),
    "mixed": _("Several attachments"),
    "postback": _("Tapped a button"),
    "referral": _("Came through a link"),
    "media": _("Picture or video"),
}
UNREADABLE = _("Only to be seen in Instagram")

# Types shown as what they are, and as which.
PICTURES = frozenset({"image", "sticker"})
PLAYERS = {"video": "video", "audio": "audio"}
STORIES = frozenset({"story_mention", "ig_story", "story"})
POSTS = frozenset({"share", "ig_post", "ig_reel", "reel"})
# Instagram shows these to people only, never to apps.
ONLY_IN_INSTAGRAM = {
    "ephemeral": _("A picture or video to view once. Instagram shows it in its own app only."),
    "unsupported_type": _("Instagram passes nothing on about this kind of message."),
    "unsupported": _("Instagram passes nothing on about this kind of message."),
}

# Where a message of the business was written, if not here.
SOURCES: dict[str, Promise | str] = {
    "instagram_app": _("sent in the Instagram app"),
    "other_app": _("sent by another app"),
    "crm": _("sent here"),
}

# State of a message of ours → icon (by class), words.
STATES: dict[str, tuple[str, Promise | str]] = {
    "queued": ("clock", _("Queued")),
    "sending": ("clock", _("Sending…")),
    "held": ("pause", _("Waiting until the account is connected again")),
    "sent": ("check", _("Sent")),
    "seen": ("seen", _("Seen")),
    "failed": ("cross", _("Not sent")),
    "unknown": ("question", _("Nobody knows whether it arrived")),
}
REACTIONS = {
    "love": "❤️",
    "like": "👍",
    "laugh": "😆",
    "wow": "😮",
    "sad": "😢",
    "angry": "😡",
}
