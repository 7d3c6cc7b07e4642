"""A user is handed out whole, and erased so that nobody finds them, while every total stays."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tasks import people as command
from tasks.lake.compaction import compact, partitions
from tasks.lake.messages import landing_of
from tasks.lake.parquet import decode
from tasks.lake.people import StillThere, erase, export
from tasks.lake.schemas import ORDERS
from tasks.lake.writing import write
from tasks.objects import REGISTER, FolderObjects, MemoryObjects, Objects, S3Objects
from tests.lake.material import ask, messages, order, position, recorded, sums, update

ASHA, ZA1 = "5f0c2a52-8d1e-4c41-9a57-3d1f6a2b7c11", "AB1234"
RAVI, ZB1 = "9e1b7c30-1111-4222-8333-444455556666", "CD5678"
HISTORY = f"histories/trading_date=2026-11-23/algo-AccountBasket/s-20261123-S-{ZA1}-ENTRY.json.gz"
RAVIS = "SELECT * FROM order_events WHERE account = 'CD5678' ORDER BY event_id"
OF_THE_DAY = "histories/trading_date=2026-11-23/algo-TradingDay/day.json.gz"


_NAMES = {
    ASHA: {"name": "Asha Rao", "email": "asha@example.com"},
    RAVI: {"name": "Ravi Iyer", "email": "ravi@example.com"},
}


def _ended(**changes: Any) -> str:
    return json.dumps(
        {
            "execution": f"arn:aws:states:ap-south-1:1:execution:algo-AccountBasket:s-20261123-S-{ZA1}-ENTRY",
            "machine": "algo-AccountBasket",
            "name": f"s-20261123-S-{ZA1}-ENTRY",
            "status": "SUCCEEDED",
            "started_at": "2026-11-23T04:00:00Z",
            "stopped_at": "2026-11-23T04:00:20Z",
            "redrives": 0,
            "error": "",
            "cause": "",
            "events": 90,
            "history": HISTORY,
            "user_id": ASHA,
            "account": ZA1,
        }
        | changes
    )


def _of(user: str, account: str, number: int) -> list[str]:
    run = f"s-20261123-S-{account}"
    mine = {"user_id": user, "account": account, "position_id": f"{run}-L1"}
    profile = {"owner": user, "document": _NAMES[user]}
    linked = {"owner": user, "account": account, "document": {"label": "my broker"}}
    body = {"order_id": f"B{number}", "user_id": account, "placed_by": account}
    filled = json.loads(order(1, number=number, **mine))
    realised = json.loads(position(number, f"{number}.25", **mine))
    return [
        json.dumps(filled | {"user_id": user}),
        json.dumps(realised | {"aggregate": f"positions:{run}-L1"}),
        recorded("ProfileChanged", profile, aggregate=f"catalog:{user}:PROFILE", user_id=user),
        recorded("BrokerAccountLinked", linked, aggregate=f"catalog:{user}:ACCOUNT#{account}", user_id=user),
        update(account=account, user_id=user, body=body, broker_order_id=f"B{number}", reason=f"for {account}"),
    ]


def _fill(objects: Objects) -> None:
    write(messages(*_of(ASHA, ZA1, 1), *_of(RAVI, ZB1, 2), _ended()), objects)
    write(messages(*_of(ASHA, ZA1, 1)[:2], *_of(RAVI, ZB1, 3)[:1]), objects)  # copies among others
    objects.put(HISTORY, gzip.compress(json.dumps({"input": {"user_id": ASHA}}).encode()))
    objects.put(OF_THE_DAY, gzip.compress(json.dumps({"logins": [ZA1, ZB1]}).encode()))


def _everything(objects: Objects) -> str:
    cells = [
        str(decode(kind, objects.get(each) or b"").to_pylist())
        for kind, _, keys in partitions(objects)
        for each in keys
    ]
    histories = [gzip.decompress(objects.get(each) or b"").decode() for each in objects.keys("histories/")]
    return "\n".join([*cells, *histories, *objects.keys(""), (objects.get(REGISTER) or b"").decode()])


def test_an_export_has_everything_of_one_user_and_nothing_of_another() -> None:
    objects = MemoryObjects()
    _fill(objects)
    found = dict(export(ASHA, objects))
    assert set(found) == {
        "order_events.jsonl",
        "position_events.jsonl",
        "catalog_events.jsonl",
        "order_updates.jsonl",
        "executions.jsonl",
        HISTORY,
    }
    rows = [json.loads(line) for line in found["position_events.jsonl"].splitlines()]
    assert [(row["realised"], row["trading_date"]) for row in rows] == [("1.25", "2026-11-23")]
    text = b"".join(content for name, content in found.items() if name.endswith("jsonl")).decode()
    assert "asha@example.com" in text
    assert RAVI not in text
    assert ZB1 not in text


def test_nobody_finds_a_person_who_was_erased_and_no_total_changes(tmp_path: Path) -> None:
    objects = FolderObjects(tmp_path)
    _fill(objects)
    before = sums(tmp_path)
    ravis = ask(tmp_path, RAVIS)
    done = erase(ASHA, objects, pseudonym="erased1")
    left = _everything(objects)
    assert not [word for word in (ASHA, ZA1, "Asha Rao", "asha@example.com") if word in left]
    assert sums(tmp_path) == before == (3, 2, Decimal("3.50"))
    assert ask(tmp_path, "SELECT account, realised, position_id FROM positions WHERE user_id = 'erased1'") == [
        ("erased1A1", Decimal("1.25"), "s-20261123-S-erased1A1-L1")
    ]
    assert ask(tmp_path, RAVIS) == ravis
    assert RAVI in left
    assert ZB1 in left
    assert objects.get(HISTORY) is None
    assert (done.accounts, done.dropped["catalog_events"], done.kept["order_updates"]) == (1, 2, 1)


def test_what_arrives_late_does_not_bring_them_back(tmp_path: Path) -> None:
    objects = FolderObjects(tmp_path)
    _fill(objects)
    erase(ASHA, objects, pseudonym="erased1")
    write(messages(*_of(ASHA, ZA1, 1), *_of(ASHA, ZA1, 4)[:1], _ended()), objects)
    left = _everything(objects)
    assert ASHA not in left
    assert ZA1 not in left
    assert sums(tmp_path) == (4, 2, Decimal("3.50"))
    compact(ORDERS, date(2026, 11, 23), objects)
    assert sums(tmp_path) == (4, 2, Decimal("3.50"))
    assert ZA1 not in _everything(objects)


def test_compaction_erases_what_an_erasure_overlooked(tmp_path: Path) -> None:
    """A file that a writer wrote while the register was being saved."""
    objects = FolderObjects(tmp_path)
    _fill(objects)
    copies = {each: objects.get(each) or b"" for each in objects.keys("lake/order_events/")}
    erase(ASHA, objects, pseudonym="erased1")
    for name, content in copies.items():
        objects.put(name.replace(".parquet", "x.parquet"), content)
    compact(ORDERS, date(2026, 11, 23), objects)
    assert ZA1 not in _everything(objects)
    assert sums(tmp_path)[0] == 3


class Killed(BaseException):
    """The process is gone."""


def test_killed_at_any_point_it_can_be_run_again(tmp_path: Path) -> None:
    class Dying(FolderObjects):
        left = 0

        def put(self, key: str, content: bytes) -> None:
            type(self).left -= 1
            if type(self).left < 0:
                raise Killed
            super().put(key, content)

    for point in range(0, 12, 2):
        root = tmp_path / str(point)
        _fill(FolderObjects(root))
        before = sums(root)
        Dying.left = point
        try:
            erase(ASHA, Dying(root), pseudonym="erased1")
        except Killed:
            assert sums(root) == before
            erase(ASHA, FolderObjects(root), pseudonym="erased2" if point else "erased1")
        assert sums(root) == before
        left = _everything(FolderObjects(root))
        assert ASHA not in left
        assert ZA1 not in left
        assert "erased2" not in left, "the second run goes on with the first one's pseudonym"


def test_a_name_that_stays_is_said() -> None:
    """Where nothing names the row as theirs, a name in a free text is found all the same."""
    objects = MemoryObjects()
    _fill(objects)
    strange = recorded("EgressChanged", {"egress": f"proxy-{ZA1}-1", "address": ""}, user_id="egress")
    write(messages(strange), objects)
    with pytest.raises(StillThere, match="other_events"):
        erase(ASHA, objects, pseudonym="erased1")


@pytest.fixture
def versioned(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Objects]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    with mock_aws():
        client = boto3.client("s3", region_name="ap-south-1")
        client.create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "ap-south-1"})
        client.put_bucket_versioning(Bucket="lake", VersioningConfiguration={"Status": "Enabled"})
        yield S3Objects(client, "lake")


def test_no_earlier_version_of_an_object_names_them(versioned: S3Objects) -> None:
    _fill(versioned)
    assert command.main(["erase", ASHA], lambda: versioned) == 2
    assert command.main(["erase", ASHA, "--yes"], lambda: versioned) == 0
    client = versioned.client
    found = client.list_object_versions(Bucket="lake")
    for each in found["Versions"]:
        body = client.get_object(Bucket="lake", Key=each["Key"], VersionId=each["VersionId"])["Body"].read()
        text = gzip.decompress(body).decode() if each["Key"].endswith("gz") else str(body)
        if each["Key"].endswith("parquet"):
            kind = next(kind for kind, _, keys in partitions(versioned) if each["Key"] in keys)
            text = str(decode(kind, body).to_pylist())
        assert ASHA not in text
        assert ZA1 not in text + each["Key"]
    assert not found.get("DeleteMarkers")


def test_the_command_exports_into_a_folder(versioned: S3Objects, tmp_path: Path) -> None:
    _fill(versioned)
    assert command.main(["export", ASHA, "--to", str(tmp_path)], lambda: versioned) == 0
    assert (tmp_path / "order_events.jsonl").exists()
    assert command.main(["export", "nobody", "--to", str(tmp_path / "x")], lambda: versioned) == 1


def test_an_event_id_names_nobody() -> None:
    for body in _of(ASHA, ZA1, 1):
        assert ZA1 not in landing_of(body).event_id
