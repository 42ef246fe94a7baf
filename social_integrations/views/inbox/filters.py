"""What the list is narrowed to, read from the address."""

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.db.models import F, Q, QuerySet
from django.http import QueryDict

from social_integrations.models import Conversation

STATUSES = ("open", "closed", "all")
ASSIGNED = ("anyone", "me", "nobody")
SEARCH_LENGTH = 100
IS_UNREAD = Q(last_inbound_at__isnull=False) & (
    Q(staff_read_at=None) | Q(last_inbound_at__gt=F("staff_read_at"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """The choices above the list; the first of each is what it starts with."""

    account: int | None = None
    status: str = STATUSES[0]
    assigned: str = ASSIGNED[0]
    unread: bool = False
    search: str = ""

    @property
    def query(self) -> str:
        """The filters as they stand in an address; empty for none."""
        values = {
            "account": self.account or "",
            "status": "" if self.status == STATUSES[0] else self.status,
            "assigned": "" if self.assigned == ASSIGNED[0] else self.assigned,
            "unread": "1" if self.unread else "",
            "search": self.search,
        }
        return urlencode({name: value for name, value in values.items() if value})

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the open conversations of all accounts is asked for."""
        return self != Filters()

    def everything(self) -> "Filters":
        """Return the same search through all conversations."""
        return replace(Filters(), status="all", search=self.search)

    def apply(
        self, found: QuerySet[Conversation], user: PermissionsMixin | AnonymousUser
    ) -> QuerySet[Conversation]:
        """Narrow conversations to what was chosen."""
        if self.account:
            found = found.filter(contact__account=self.account)
        if self.status != "all":
            found = found.filter(status=self.status)
        if self.assigned != ASSIGNED[0]:
            found = found.filter(assigned_to=user.pk if self.assigned == "me" else None)
        if self.unread:
            found = found.filter(IS_UNREAD)
        return found.filter(_named(self.search)) if self.search else found


def read_filters(query: QueryDict) -> Filters:
    """Return the filters an address asks for; what it misspells counts as not asked."""
    account = query.get("account", "")
    status, assigned = query.get("status", ""), query.get("assigned", "")
    search = query.get("search", "").replace("\x00", "").strip()[:SEARCH_LENGTH]
    return Filters(
        account=int(account) if account.isdecimal() and len(account) < 19 else None,
        status=status if status in STATUSES else STATUSES[0],
        assigned=assigned if assigned in ASSIGNED else ASSIGNED[0],
        unread=query.get("unread") == "1",
        search=search,
    )


def _named(search: str) -> Q:
    words = search.removeprefix("@")
    return (
        Q(contact__name__icontains=words)
        | Q(contact__username__icontains=words)
        | Q(contact__igsid=words)
    )
