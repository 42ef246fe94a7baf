"""The small world every emulator starts with."""

from .store import Store

OWNER = {"id": "3456789012345671", "name": "Shop owner"}

# Other apps that may control a thread; the second is Instagram's own inbox.
OTHER_APP = "222000000000001"
INBOX_APP = "1217981644879628"

PAGES = (
    ("210000000000001", "Demo Shop", "17841400000000001", "demo_shop"),
    ("210000000000002", "Second Shop", "17841400000000002", "second_shop"),
    ("210000000000003", "Page without Instagram", None, None),
)

CUSTOMERS = (
    ("910000000000001", "customer_one", "First Customer"),
    ("910000000000002", "customer_two", "Second Customer"),
)


def seed(store: Store) -> None:
    """Fill an empty store; leave any other alone."""
    with store.transaction():
        if store.setting("seeded"):
            return
        for page_id, name, account_id, username in PAGES:
            add_page(store, page_id=page_id, name=name, account_id=account_id, username=username)
        for customer in CUSTOMERS:
            add_customer(store, *customer)
        store.remember("seeded", value=True)


def add_page(
    store: Store,
    *,
    page_id: str,
    name: str,
    account_id: str | None,
    username: str | None,
    in_business: bool = False,
) -> None:
    """Give the owner one more Page; without an account id it has no Instagram."""
    store.run(
        "INSERT INTO page (id, name, account_id, username, account_name, in_business)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        page_id,
        name,
        account_id,
        username,
        name if account_id else None,
        in_business,
    )


def add_customer(store: Store, customer_id: str, username: str, name: str) -> None:
    """Let one more person exist on Instagram."""
    store.run(
        "INSERT INTO customer (id, username, name) VALUES (?, ?, ?)", customer_id, username, name
    )
