import pytest

from ledger.errors import LedgerError
from ledger.ledger import Ledger
from ledger.review.users import Role


def test_accounts(ledger: Ledger) -> None:
    users = ledger.users()
    users.add(" Ada ", "hash", Role.ADMIN)
    users.add("bob", "other", Role.REVIEWER)
    found = users.find("ADA")
    assert found is not None
    assert (found.name, found.role, found.password_hash, found.disabled) == ("Ada", Role.ADMIN, "hash", False)
    assert users.find("cyd") is None
    assert [account.name for account in users.all()] == ["Ada", "bob"]


@pytest.mark.parametrize("name", ["ada", "", "  ", "x" * 101])
def test_a_name_that_cannot_be_taken(name: str, sqlite_ledger: Ledger) -> None:
    users = sqlite_ledger.users()
    users.add("Ada", "hash", Role.ADMIN)
    with pytest.raises(LedgerError):
        users.add(name, "hash", Role.REVIEWER)


def test_a_change_is_dated(sqlite_ledger: Ledger) -> None:
    users = sqlite_ledger.users()
    users.add("Ada", "hash", Role.ADMIN)
    changes = [
        lambda: users.set_password("ada", "new"),
        lambda: users.set_role("ada", Role.REVIEWER),
        lambda: users.disable("ada"),
        lambda: users.add("ada", "newer", Role.ADMIN),
    ]
    moments = []
    for change in changes:
        change()
        account = users.find("Ada")
        assert account is not None
        moments.append((account.changed_at, account.password_hash, account.role, account.disabled))
    assert [moment[1:] for moment in moments] == [
        ("new", Role.ADMIN, False),
        ("new", Role.REVIEWER, False),
        ("new", Role.REVIEWER, True),
        ("newer", Role.ADMIN, False),
    ]
    assert sorted({moment[0] for moment in moments}) == [moment[0] for moment in moments]
    with pytest.raises(LedgerError, match="no user"):
        users.disable("bob")
