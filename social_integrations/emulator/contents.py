"""What a message can hold: one row per kind of Meta's catalogue (section 3 of the reference)."""

from collections.abc import Callable
from dataclasses import dataclass, field

from .ids import new_digits
from .scenes import Scene
from .webhooks import Item

Build = Callable[[Scene], Item]


@dataclass(frozen=True, slots=True)
class Content:
    """One row: where the menu shows it, its name there, and how the `message` is written."""

    group: str
    label: str
    build: Build
    author: str = "customer"
    """Who writes it unless the script says otherwise: `customer` or `business`."""
    preset: Item = field(default_factory=dict)
    """Arguments it comes with unless the script has its own."""


def _one(kind: str, payload: Item | None = None) -> Item:
    attachment: Item = {"type": kind}
    return attachment if payload is None else {**attachment, "payload": payload}


def _attached(*attachments: Item) -> Item:
    return {"attachments": list(attachments)}


def _media(kind: str) -> Build:
    return lambda scene: _attached(_one(kind, {"url": scene.sample(kind)}))


def _post(scene: Scene) -> Item:
    return {
        "ig_post_media_id": f"1790{new_digits()[:13]}",
        "title": "New umbrellas are in",
        "url": scene.sample("image"),
    }


def _twins(scene: Scene) -> Item:
    # Meta: from 3 Nov 2025 to 27 Apr 2026 a shared post came as both types in one message.
    post = _post(scene)
    return _attached(_one("share", {"url": post["url"]}), _one("ig_post", post))


def _reel(kind: str) -> Build:
    def build(scene: Scene) -> Item:
        payload = {
            "reel_video_id": f"1790{new_digits()[:13]}",
            "title": "How we mend umbrellas",
            "url": scene.sample("video"),
        }
        return _attached(_one(kind, payload))

    return build


def _story(scene: Scene) -> Item:
    # Meta: the link of an `ig_story` is not called `url`.
    media_id = f"1790{new_digits()[:13]}"
    payload = {"story_media_id": media_id, "story_media_url": scene.sample("image")}
    return _attached(_one("ig_story", payload))


def _story_reply(scene: Scene) -> Item:
    story = {"id": f"1790{new_digits()[:13]}", "url": scene.sample("image")}
    if scene.params.get("link_sticker"):
        story["link_sticker_url"] = "https://shop.example/offer"
    return {"text": "How much is it?", "reply_to": {"story": story}}


def _template(scene: Scene) -> Item:
    card = {
        "title": "Umbrella",
        "subtitle": "Blue, 2 left",
        "image_url": scene.sample("image"),
        "buttons": [
            {"type": "web_url", "url": "https://shop.example/umbrella", "title": "Open"},
            {"type": "postback", "title": "Buy", "payload": "BUY_1"},
        ],
    }
    return _attached(_one("template", {"generic": {"elements": [card]}}))


def _mixed(scene: Scene) -> Item:
    return _attached(
        _one("image", {"url": scene.sample("image")}),
        _one("ig_post", _post(scene)),
        _one("audio", {"url": scene.sample("audio")}),
        _one("hologram", {"depth": 3}),
    )


def link_referral(scene: Scene) -> Item:
    """Write that somebody came by an ig.me link."""
    source = f"https://ig.me/m/{scene.username}"
    return {"ref": scene.word("ref", "poster-7"), "source": source, "type": "OPEN_THREAD"}


def ad_referral(scene: Scene) -> Item:
    """Write that somebody came by an advertisement."""
    pictures = {"photo_url": scene.sample("image"), "video_url": scene.sample("video")}
    return {
        "ref": scene.word("ref", "spring"),
        "ad_id": "120200000000000001",
        "source": "ADS",
        "type": "OPEN_THREAD",
        "ads_context_data": {"ad_title": "Umbrellas for spring", **pictures},
    }


def product_referral(_scene: Scene) -> Item:
    """Write that somebody asked about a product of the shop."""
    return {"product": {"id": "5550000000000001"}}


def _referred(text: str, referral: Build) -> Build:
    return lambda scene: {"text": text, "referral": referral(scene)}


def _constant(content: Item) -> Build:
    return lambda _scene: dict(content)


CONTENTS: dict[str, Content] = {
    "text": Content("Message", "Text", _constant({"text": "Do you mend umbrellas?"})),
    "image": Content("Message", "Picture", _media("image")),
    "video": Content("Message", "Video", _media("video")),
    "audio": Content("Message", "Voice message", _media("audio")),
    "file": Content("Message", "PDF", _media("file")),
    "like_heart": Content("Message", "Heart", lambda _scene: _attached(_one("like_heart"))),
    # Meta: one page says that GIFs and stickers come as images, another that they do not come.
    "sticker": Content(
        "Message",
        "Sticker",
        lambda scene: _attached(
            _one("image", {"url": scene.sample("image"), "sticker_id": "369239263222822"})
        ),
    ),
    "album": Content(
        "Message",
        "Three pictures",
        lambda scene: _attached(*(_one("image", {"url": scene.sample("image")}) for _ in range(3))),
    ),
    "mixed": Content("Message", "Mixed attachments", _mixed),
    "quick_reply": Content(
        "Message",
        "Quick reply",
        lambda scene: {
            "text": "Size M",
            "quick_reply": {"payload": scene.word("payload", "SIZE_M")},
        },
    ),
    "share": Content(
        "Shared",
        "Post, old form",
        lambda scene: _attached(_one("share", {"url": scene.sample("image")})),
    ),
    "ig_post": Content("Shared", "Post", lambda scene: _attached(_one("ig_post", _post(scene)))),
    "ig_post_twins": Content("Shared", "Post in both forms", _twins),
    "ig_reel": Content("Shared", "Reel", _reel("ig_reel")),
    "reel": Content("Shared", "Reel, other name", _reel("reel")),
    "ig_story": Content("Shared", "Story", _story),
    "story_mention": Content(
        "Shared",
        "Mention in a story",
        lambda scene: _attached(_one("story_mention", {"url": scene.sample("image")})),
    ),
    "story_reply": Content("Shared", "Reply to a story", _story_reply),
    "message_referral": Content(
        "Referred", "Message after a link", _referred("Hello!", link_referral)
    ),
    "message_ad": Content("Referred", "Message after an ad", _referred("Hello!", ad_referral)),
    "message_product": Content(
        "Referred", "Message about a product", _referred("Still there?", product_referral)
    ),
    "ephemeral": Content("Odd", "View once", lambda _scene: _attached(_one("ephemeral"))),
    "unsupported": Content("Odd", "Unsupported", _constant({"is_unsupported": True})),
    "unsupported_type": Content(
        "Odd", "Unsupported attachment", lambda _scene: _attached(_one("unsupported_type"))
    ),
    "unseen_type": Content(
        "Odd", "Unseen attachment type", lambda _scene: _attached(_one("hologram", {"depth": 3}))
    ),
    "message_without_mid": Content(
        "Odd", "Message without mid", _constant({"text": "Who am I?"}), preset={"mid": False}
    ),
    "empty": Content("Odd", "Nothing at all", _constant({})),
    "template": Content("Shop", "Cards with buttons", _template, author="business"),
    "echo_by_api": Content(
        "Shop", "Sent by the CRM", _constant({"text": "On its way"}), "business", {"via": "api"}
    ),
    "echo_by_other_app": Content(
        "Shop",
        "Sent by another app",
        _constant({"text": "We are closed."}),
        "business",
        {"via": "other_app"},
    ),
    "echo_without_mid": Content(
        "Shop", "Echo without mid", _constant({"text": "See you"}), "business", {"mid": False}
    ),
    "echo_without_text": Content("Shop", "Echo without text", _constant({}), author="business"),
}
