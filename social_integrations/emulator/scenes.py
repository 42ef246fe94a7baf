"""Who takes part in an event: the account, the customer, and what the script wants."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .core import Emulator
from .media import host_sample
from .people import ControlError, find_account, find_customer, igsid_for
from .store import Row
from .webhooks import Item, ends

Params = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """Everything a builder of events may look at."""

    emulator: Emulator
    base_url: str
    account_id: str
    username: str
    customer: Row
    igsid: str
    when: int
    """The event's time in ms."""
    params: Params

    def ends(self, *, is_echo: bool) -> Item:
        """Write sender, recipient and time; they swap when the business acts."""
        pair = (self.account_id, self.igsid) if is_echo else (self.igsid, self.account_id)
        return ends(*pair, self.when)

    def sample(self, kind: str) -> str:
        """Link a freshly made picture, film, sound or paper."""
        return host_sample(self.emulator, kind, self.base_url)

    def word(self, name: str, default: str) -> str:
        """Read a text of the script."""
        return str(self.params.get(name) or default)


def set_scene(emulator: Emulator, params: Params, base_url: str) -> Scene:
    """Find the people a control call names; the first account and customer by default."""
    page = find_account(emulator.store, params.get("account"))
    customer = find_customer(emulator.store, params.get("customer"))
    return Scene(
        emulator=emulator,
        base_url=base_url,
        account_id=page["account_id"],
        username=page["username"],
        customer=customer,
        igsid=igsid_for(emulator.store, page["account_id"], customer["id"]),
        when=event_time(emulator, params),
        params=params,
    )


def event_time(emulator: Emulator, params: Params) -> int:
    """Read when an event happens, in ms: now, or `ago` seconds earlier."""
    ago = params.get("ago", 0)
    if not isinstance(ago, int | float) or isinstance(ago, bool) or not 0 <= ago <= 10**9:
        raise ControlError("The field ago is a number of seconds.")
    return emulator.now_ms() - int(ago * 1000)
