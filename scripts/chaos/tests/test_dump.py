"""What F9 compares: two accounts that were told the same, at different times, look the same."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from scripts.chaos.dump import state
from social_integrations.services.intake import store_delivery
from social_integrations.tests.conversations import apply_all
from social_integrations.tests.factories import make_account
from social_integrations.tests.payloads import ACCOUNT_ID, encode, load, names

OTHER_ID = "17841400000000777"


@pytest.mark.django_db
def test_our_own_clock_is_no_difference() -> None:
    bodies = [encode(load(name)) for name in names()]
    for days, account_id in enumerate((ACCOUNT_ID, OTHER_ID)):
        with time_machine.travel(timezone.now() + timedelta(days=days)):
            make_account(instagram_account_id=account_id)
            for body in bodies:
                store_delivery(body.replace(ACCOUNT_ID.encode(), account_id.encode()))
            apply_all()
    assert len(state(OTHER_ID)) > len(bodies) / 2
    assert state(OTHER_ID) == state(ACCOUNT_ID)
