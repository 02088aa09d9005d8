from typing import Any

import pytest

from lab.dns import authority
from lab.rehearsal.dns_panel import DnsPanel


@pytest.fixture
def entered(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    entered: list[Any] = []
    monkeypatch.setattr(authority, "publish", lambda zone, records: entered.append((zone, list(records))))
    return entered


def test_each_request_is_entered_once_and_the_way_back_too(entered: list[Any]) -> None:
    ledger: dict[str, Any] = {}
    panel = DnsPanel("shop.test", lambda: ledger)
    assert panel.enter_new_requests() == []
    old, new = "www.shop.test. 5 A 192.0.2.1", "www.shop.test. 5 A 198.51.100.1"
    ledger["dns/ttl"] = {"change_id": old, "at": None}
    assert panel.enter_new_requests() == [old]
    ledger["dns/ttl"] = {"change_id": old, "at": "2026-11-23T18:30:00"}
    assert panel.enter_new_requests() == []
    ledger["dns/change"] = {"change_id": new, "at": "2026-11-23T18:31:00"}
    assert panel.enter_new_requests() == [new]
    ledger["dns/change"] = {"change_id": old, "at": "2026-11-23T18:32:00"}
    assert panel.enter_new_requests() == [old]
    ledger["dns/change"] = {"change_id": new, "at": "2026-11-23T18:33:00"}
    assert panel.enter_new_requests() == [new]
    assert entered[0] == (
        "shop.test",
        [{"name": "www.shop.test", "type": "A", "ttl": 5, "values": ["192.0.2.1"]}],
    )
    assert len(entered) == 4
