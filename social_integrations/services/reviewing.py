"""What a consent would change here, before anything is saved."""

from dataclasses import dataclass

from django.contrib.auth.models import User

from social_integrations.access import access_policy
from social_integrations.models import ConnectedAccount

from .grants import Grant, Offer


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An account that can be connected; `known` says that it stands in the CRM already."""

    offer: Offer
    account_id: str
    username: str
    known: bool
    other_login: bool = False
    """Whether it was connected through the other login before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnusablePage:
    """A Page that was left alone; `code` is a key of `PAGE_PROBLEMS`."""

    page_name: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Every account of a consent sorted by what would become of it."""

    choices: tuple[Choice, ...]
    unusable: tuple[UnusablePage, ...]
    withdrawn: tuple[ConnectedAccount, ...]
    """Accounts the same person connected before and left out this time; without their tokens."""

    @property
    def needs_answer(self) -> bool:
        """Whether a person has to look at it first."""
        return len(self.choices) > 1 or bool(self.withdrawn)


def review_grant(*, user: User, grant: Grant) -> Review:
    """Compare what Meta granted with what stands in the CRM; reads only."""
    offers = _one_per_account(grant)
    ids = [offer.instagram.id for offer in offers if offer.instagram]
    accounts = ConnectedAccount.objects.defer("access_token")
    known = {one.instagram_account_id: one for one in accounts.filter(instagram_account_id__in=ids)}
    choices: list[Choice] = []
    unusable: list[UnusablePage] = []
    for offer in offers:
        account = known.get(offer.instagram.id) if offer.instagram else None
        problem = offer.problem
        if not problem and account and not access_policy().may_replace(user, account):
            problem = "account_taken"
        if problem or offer.instagram is None:
            unusable.append(UnusablePage(page_name=_name(offer), code=problem))
        else:
            choices.append(_choice(offer, account, grant.login))
    return Review(
        choices=tuple(choices),
        unusable=tuple(unusable),
        withdrawn=_withdrawn(user, grant, ids),
    )


def _one_per_account(grant: Grant) -> list[Offer]:
    """Return the offers; of several for one Instagram account the first usable one."""
    best: dict[str, Offer] = {}
    for offer in sorted(grant.offers, key=lambda one: bool(one.problem)):
        best.setdefault(offer.instagram.id if offer.instagram else f"page {offer.page_id}", offer)
    return [offer for offer in grant.offers if offer in best.values()]


def _choice(offer: Offer, account: ConnectedAccount | None, login: str) -> Choice:
    assert offer.instagram is not None  # noqa: S101 - for the type checker; the caller looked
    return Choice(
        offer=offer,
        account_id=offer.instagram.id,
        username=offer.instagram.username,
        known=account is not None,
        other_login=account is not None and account.login != login,
    )


def _name(offer: Offer) -> str:
    return offer.page_name or (f"@{offer.instagram.username}" if offer.instagram else "")


def _withdrawn(user: User, grant: Grant, ids: list[str]) -> tuple[ConnectedAccount, ...]:
    """Return what this person at Meta let us use before and left out now, as far as it is news."""
    if not grant.meta_user_id:
        return ()
    before = (
        ConnectedAccount.objects.defer("access_token")
        .filter(login=grant.login, meta_user_id=grant.meta_user_id, access_withdrawn_at=None)
        .exclude(status=ConnectedAccount.Status.DISCONNECTED)
        .exclude(instagram_account_id__in=ids)
    )
    return tuple(one for one in before if access_policy().may_replace(user, one))
