"""Events that are no messages: taps, referrals, routing, notices, comments (section 3)."""

from collections.abc import Callable
from dataclasses import dataclass

from .contents import ad_referral, link_referral
from .ids import new_digits, scoped_id
from .scenes import Scene
from .seed import INBOX_APP, OTHER_APP
from .sending.comments import keep_comment
from .sending.threads import give_thread
from .webhooks import UNKNOWN_FIELD, Item, ends


@dataclass(frozen=True, slots=True)
class Signal:
    """One row: where the menu shows it, the field that lets it out, and how it is written."""

    group: str
    label: str
    field: str
    build: Callable[[Scene], Item]


def _from_customer(name: str, build: Callable[[Scene], Item]) -> Callable[[Scene], Item]:
    return lambda scene: {**scene.ends(is_echo=False), name: build(scene)}


def _control(name: str) -> Callable[[Scene], Item]:
    def build(scene: Scene) -> Item:
        owner = scene.word("to_app", INBOX_APP)
        give_thread(scene.emulator, scene.account_id, scene.customer["id"], owner)
        return {
            "previous_owner_app_id": scene.word("from_app", scene.emulator.config.app_id),
            "new_owner_app_id": owner,
            "metadata": scene.word("metadata", "from the emulator"),
        }

    return _from_customer(name, build)


def _asked_for(scene: Scene) -> Item:
    return {
        "requested_owner_app_id": scene.word("to_app", OTHER_APP),
        "metadata": scene.word("metadata", "from the emulator"),
    }


def _comment(scene: Scene) -> Item:
    comment: Item = {
        "id": f"1791{new_digits()[:13]}",
        "from": {"id": scene.igsid, "username": scene.customer["username"]},
        "text": scene.word("text", "What does it cost?"),
        # One post per account, the one the phone shows.
        "media": {
            "id": f"1790{scoped_id(scene.account_id, 'post')[:13]}",
            "media_product_type": "FEED",
        },
    }
    if scene.params.get("parent_id"):
        comment["parent_id"] = str(scene.params["parent_id"])
    keep_comment(scene, comment, is_live=scene.params.get("kind") == "live_comment")
    return comment


def _mention(_scene: Scene) -> Item:
    return {"media_id": f"1790{new_digits()[:13]}", "comment_id": f"1791{new_digits()[:13]}"}


def _insights(_scene: Scene) -> Item:
    # Meta: counts below 5 come as -1.
    counts = {"reach": 52, "replies": -1, "exits": 9, "taps_forward": 31, "taps_back": -1}
    return {"media_id": f"1790{new_digits()[:13]}", "impressions": 60, **counts}


def _self_message(scene: Scene) -> Item:
    own = scoped_id(scene.account_id, scene.account_id)
    message = {
        "mid": f"self-{new_digits()}",
        "text": scene.word("text", "A note to myself"),
        "is_echo": True,
        "is_self": True,
    }
    return {**ends(scene.account_id, own, scene.when), "message": message}


def _standby_postback(_scene: Scene) -> Item:
    # Meta: a postback in standby carries no payload.
    return {"mid": f"standby-{new_digits()}", "title": "Opening hours"}


def _optin(scene: Scene) -> Item:
    return {"type": "notification_messages", "payload": scene.word("payload", "NEWS")}


def _policy(scene: Scene) -> Item:
    return {"action": scene.word("action", "warning"), "reason": "The message was too pushy."}


def _feedback(scene: Scene) -> Item:
    return {"feedback": scene.word("feedback", "Good response"), "mid": scene.word("mid", "m-1")}


SIGNALS: dict[str, Signal] = {
    "referral": Signal(
        "Referred",
        "Link tapped again",
        "messaging_referral",
        _from_customer("referral", link_referral),
    ),
    "referral_ad": Signal(
        "Referred", "Ad tapped again", "messaging_referral", _from_customer("referral", ad_referral)
    ),
    "pass_thread_control": Signal(
        "Routing", "Thread passed on", "messaging_handover", _control("pass_thread_control")
    ),
    "take_thread_control": Signal(
        "Routing", "Thread taken", "messaging_handover", _control("take_thread_control")
    ),
    "request_thread_control": Signal(
        "Routing",
        "Thread asked for",
        "messaging_handover",
        _from_customer("request_thread_control", _asked_for),
    ),
    "app_roles": Signal(
        "Routing",
        "App roles",
        "messaging_handover",
        _from_customer("app_roles", lambda _scene: {OTHER_APP: ["primary_receiver"]}),
    ),
    "standby_postback": Signal(
        "Routing",
        "Button tapped, in standby",
        "messaging_postbacks",
        _from_customer("postback", _standby_postback),
    ),
    "optin": Signal("Notices", "Opt-in", "messaging_optins", _from_customer("optin", _optin)),
    "policy_enforcement": Signal(
        "Notices",
        "Policy warning",
        "messaging_policy_enforcement",
        _from_customer("policy_enforcement", _policy),
    ),
    "response_feedback": Signal(
        "Notices",
        "Feedback on an answer",
        "response_feedback",
        _from_customer("response_feedback", _feedback),
    ),
    "comment": Signal("Comments", "Comment", "comments", _comment),
    "live_comment": Signal("Comments", "Comment in a live video", "live_comments", _comment),
    "mention": Signal("Comments", "Mention in a caption", "mentions", _mention),
    "story_insights": Signal("Comments", "Story insights", "story_insights", _insights),
    "self_message": Signal("Odd", "Message to itself", "messages", _self_message),
    "unknown": Signal(
        "Odd",
        "Kind nobody knows yet",
        "messages",
        _from_customer("hologram_call", lambda scene: {"room": scene.igsid, "rings": 3}),
    ),
    "unknown_field": Signal(
        "Odd", "Field nobody knows yet", UNKNOWN_FIELD, lambda _scene: {"mood": "sunny"}
    ),
}

# A wrapper other than the switch's, because the kind is what it is by standing there.
WRAPPERS = {"standby_text": "standby", "standby_postback": "standby"}
