"""Every row of the doctor is documented, and no other."""

import re
from pathlib import Path

from social_integrations.services.doctor import (
    account_rows,
    app_rows,
    arrival_rows,
    public_rows,
    running_rows,
    sending_rows,
    settings_rows,
)
from social_integrations.services.doctor.examining import NO_ACCOUNT

PAGE = Path(__file__).parents[4] / "docs" / "doctor.md"
TABLES = (
    settings_rows.CHECKS,
    running_rows.DATABASE,
    public_rows.CHECKS,
    app_rows.CHECKS,
    account_rows.CHECKS,
    running_rows.ALIVE,
    arrival_rows.CHECKS,
    running_rows.LEDGER,
    sending_rows.CHECKS,
)


def test_the_page_lists_every_row_in_order() -> None:
    rows = PAGE.read_text().partition("## The rows")[2]
    first_cells = re.findall(r"^\| (`[a-z_`, ]+`) \|", rows, re.MULTILINE)
    documented = [code for cell in first_cells for code in re.findall(r"[a-z_]+", cell)]
    assert documented == [check.code for table in TABLES for check in table]
    assert f"`{NO_ACCOUNT.code}`" in rows


def test_no_two_rows_share_a_code() -> None:
    codes = [check.code for table in TABLES for check in table]
    assert len(codes) == len(set(codes))
