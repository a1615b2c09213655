from ledger.ledger import Ledger


def test_all_servers_of_a_ledger_sign_with_one_key(url: str) -> None:
    with Ledger.open(url) as ledger, Ledger.open(url) as other:
        key = ledger.users().cookie_key()
        assert len(key) == 64
        assert other.users().cookie_key() == key
    with Ledger.open(url) as later:
        assert later.users().cookie_key() == key


def test_each_ledger_has_its_own_key(tmp_path) -> None:
    keys = set()
    for name in ("a", "b"):
        with Ledger.open(f"sqlite:///{tmp_path}/{name}.sqlite") as ledger:
            keys.add(ledger.users().cookie_key())
    assert len(keys) == 2
