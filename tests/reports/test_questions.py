"""Questions to the lake: the same text for both engines, right sums, and nobody's rows but the caller's."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot

from tasks import questions
from tasks.ask_lake import respond
from tasks.lake.messages import landing_of
from tasks.lake.parquet import encode, key, table
from tasks.lake.reading import Place
from tasks.lake.schemas import KINDS
from tasks.objects import TABLES as FOLDER
from tasks.objects import FolderObjects
from tasks.questions import NAMES, Ask, NoAnswer, sql_of
from tasks.questions.athena import Athena
from tasks.questions.duck import TABLES, Duck, own_lake
from tasks.questions.scope import NotAllowed, scoped
from tasks.reports import twin
from tasks.reports.day import Report, report_of
from tasks.reports.records import read
from tests.api.world import http_event
from tests.reports.played import ASHA, DAY, Played, at, full_day

NOVEMBER = {"since": "2026-11-01", "until": "2026-11-30"}


@pytest.fixture(scope="module")
def day() -> Played:
    return full_day()


@pytest.fixture(scope="module")
def report(day: Played) -> Report:
    return report_of(read(day.stores, ASHA, DAY, at("15:45")))


@pytest.fixture(scope="module")
def lake(day: Played, report: Report, tmp_path_factory: pytest.TempPathFactory) -> Duck:
    """The day as its events and its report leave it in the lake, and the same of somebody else beside it."""
    objects = FolderObjects(tmp_path_factory.mktemp("lake"))
    rows: dict[str, list[Any]] = {}
    for recorded in day.stores.events.everything():
        mine = json.loads(recorded.model_dump_json())
        theirs = json.loads(recorded.model_dump_json().replace("asha", "ravi").replace("ZA1234", "ZR9999"))
        for message in (mine, theirs):
            landing = landing_of(json.dumps(message))
            rows.setdefault(landing.kind.name, []).append(landing.row)
    for name, found in rows.items():
        ids = [str(row["event_id"]) for row in found]
        objects.put(key(name, DAY, ids), encode(table(KINDS[name], found)))
    other = tuple(replace(leg, leg=replace(leg.leg, user_id="ravi")) for leg in report.legs)
    others = replace(report, legs=other, records=replace(report.records, user_id="ravi"))
    for one in (report, others):
        objects.put(twin.key(one), twin.twin(one))
    return Duck(Place(str(objects.root / FOLDER)))


def ask(lake: Duck, **body: Any) -> list[dict[str, Any]]:
    told = lake.ask(ASHA, *Ask.model_validate(body).text())
    return [dict(zip(told.columns, row, strict=True)) for row in told.rows]


@pytest.mark.parametrize("by", ["strategy", "basket", "account", "day"])
def test_the_lakes_profit_is_the_reports(lake: Duck, report: Report, by: str) -> None:
    rows = ask(lake, question="pnl", by=by, **NOVEMBER)
    assert sum(Decimal(row["net"]) for row in rows) == report.total.net
    assert sum(Decimal(row["charges"]) for row in rows) == report.total.charges.total
    assert sum(row["orders"] for row in rows) == report.total.orders
    if by == "strategy":
        assert [row["strategy"] for row in rows] == ["Straddle", "Strangle by premium"]


def test_slippage_is_the_reports(lake: Duck, report: Report) -> None:
    rows = ask(lake, question="slippage", **NOVEMBER)
    assert sum(Decimal(row["cost"]) for row in rows) == report.slippage
    assert {row["most_ms_to_send"] for row in rows} == {80}


def test_orders_by_what_became_of_them(lake: Duck) -> None:
    (rejected,) = ask(lake, question="orders", status="REJECTED", **NOVEMBER)
    assert rejected["reason"] == "RMS: margin exceeds, cash required 1,42,310.50"
    assert len(ask(lake, question="orders", **NOVEMBER)) == 11
    assert ask(lake, question="orders", since="2026-11-24", until="2026-11-30") == []


def test_sql_of_ones_own(lake: Duck, report: Report) -> None:
    (row,) = ask(lake, sql="WITH best AS (SELECT * FROM leg_pnl) SELECT sum(net) AS net FROM best")
    assert Decimal(row["net"]) == report.total.net


LOOKS = (
    "SELECT DISTINCT user_id AS who FROM orders",
    "SELECT DISTINCT user_id AS who FROM orders AS o",
    "SELECT DISTINCT l.user_id AS who FROM orders o JOIN leg_pnl l ON l.run_key = o.run_key",
    "SELECT DISTINCT who FROM (SELECT user_id AS who FROM order_events UNION ALL SELECT user_id FROM runs)",
    "WITH a AS (SELECT * FROM orders) SELECT DISTINCT (SELECT max(user_id) FROM leg_pnl) AS who FROM a",
    "SELECT max(user_id) OVER () AS who FROM orders WHERE user_id <> 'asha' OR 1 = 1",
)


@pytest.mark.parametrize("sql", LOOKS)
def test_every_way_of_looking_sees_ones_own_rows(lake: Duck, sql: str) -> None:
    assert {row["who"] for row in ask(lake, sql=sql)} == {ASHA}
    nobody = lake.ask("nobody", sql, ())
    assert [row for row in nobody.rows if row != [None]] == []


def test_even_sql_that_nobody_narrowed_finds_nobody_else(lake: Duck, tmp_path: Path) -> None:
    """The second lock: DuckDB is given one user's rows, no files, no settings, no variables of Python's."""
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    kept = duckdb.sql("SELECT 1 AS a")  # noqa: F841  (what a replacement scan would find)
    with own_lake(lake.place, ASHA) as open_lake:
        for name in sorted(TABLES):
            found = open_lake.table(name).project("user_id").distinct().fetchall()
            assert {user for (user,) in found} <= {ASHA}, name
        out = tmp_path / "out.csv"
        for sql in (
            f"FROM read_csv('{secret}')",
            "SELECT * FROM kept",
            "SET threads = 4",
            f"COPY orders TO '{out}'",
            "ATTACH 'x.db'",
            "INSTALL httpfs",
        ):
            with pytest.raises(duckdb.Error):
                open_lake.execute(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; SELECT 2",
        "DROP TABLE orders",
        "INSERT INTO orders SELECT * FROM orders",
        "COPY orders TO 'x'",
        "SELECT * FROM order_events_files",
        'SELECT * FROM "orders$files"',
        "SELECT * FROM algo_lake.orders",
        "SELECT * FROM information_schema.tables",
        "WITH orders AS (SELECT 1) SELECT * FROM orders",
        "WITH order_events_files AS (SELECT 1) SELECT * FROM order_events_files",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT getenv('HOME')",
        "SELECT current_setting('threads')",
        "SELECT * FROM orders WHERE",
        "SHOW TABLES",
        "SELECT " + "(" * 4000 + "1" + ")" * 4000,
        "SELECT '" + "x" * 20_000 + "'",
    ],
)
def test_what_is_no_question_is_refused(sql: str) -> None:
    for dialect in ("trino", "duckdb"):
        with pytest.raises(NotAllowed):
            scoped(sql, ASHA, TABLES, dialect=dialect)


def test_a_user_id_is_a_literal_whatever_it_holds() -> None:
    text = scoped("SELECT * FROM orders", "x' OR '1'='1", TABLES, dialect="trino")
    assert "user_id = 'x'' OR ''1''=''1'" in text


@pytest.mark.parametrize("name", NAMES)
def test_a_question_is_one_text_for_both_engines(name: str) -> None:
    """It parses as Athena's and as DuckDB's, and either says it as the other does."""
    text = sql_of(name)
    trino, duck = (sqlglot.parse_one(text, read=dialect) for dialect in ("trino", "duckdb"))
    assert _canonical(trino.sql("duckdb")) == _canonical(duck.sql("duckdb"))
    assert _canonical(scoped(text, ASHA, TABLES, dialect="trino")).count("user_id = 'asha'") == 1


def _canonical(sql: str) -> str:
    return re.sub(r"\s+", " ", sql).lower()


class FakeAthena:
    """Answers as Athena does: after a while, as text, with the names in the first row."""

    def __init__(self, *states: str) -> None:
        self.states, self.asked, self.stopped = list(states), dict[str, Any](), False

    def start_query_execution(self, **asked: Any) -> dict[str, Any]:
        self.asked = asked
        return {"QueryExecutionId": "q-1"}

    def get_query_execution(self, QueryExecutionId: str) -> dict[str, Any]:  # noqa: N803  (Athena's name)
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"QueryExecution": {"Status": {"State": state, "StateChangeReason": "COLUMN_NOT_FOUND: line 1"}}}

    def stop_query_execution(self, QueryExecutionId: str) -> None:  # noqa: N803
        self.stopped = True

    def get_query_results(self, QueryExecutionId: str, MaxResults: int) -> dict[str, Any]:  # noqa: N803
        columns = [
            {"Name": "n", "Type": "bigint"},
            {"Name": "net", "Type": "decimal"},
            {"Name": "w", "Type": "varchar"},
        ]
        rows: list[list[str | None]] = [["n", "net", "w"], ["2", "6355.40", None]]
        data = [{"Data": [{} if v is None else {"VarCharValue": v} for v in row]} for row in rows]
        return {"ResultSet": {"ResultSetMetadata": {"ColumnInfo": columns}, "Rows": data}}


def test_athena_is_asked_the_same_and_answers_the_same() -> None:
    client, slept = FakeAthena("QUEUED", "RUNNING", "SUCCEEDED"), list[float]()
    athena = Athena(client, "algo", "algo_lake", TABLES, slept.append)
    text, parameters = Ask.model_validate({"question": "pnl", **NOVEMBER}).text()
    told = athena.ask(ASHA, text, parameters)
    assert told.rows == [[2, "6355.40", None]]
    assert len(slept) == 2
    assert client.asked["ExecutionParameters"] == ["'2026-11-01'", "'2026-11-30'"]
    assert client.asked["QueryString"] == scoped(text, ASHA, TABLES, dialect="trino")
    assert client.asked["QueryExecutionContext"] == {"Database": "algo_lake"}


def test_athena_says_why_not() -> None:
    with pytest.raises(NoAnswer, match="COLUMN_NOT_FOUND"):
        Athena(FakeAthena("FAILED"), "algo", "db", TABLES, lambda _: None).ask(
            ASHA, "SELECT nothing FROM orders", ()
        )
    slow = FakeAthena("RUNNING")
    with pytest.raises(NoAnswer, match="took longer"):
        Athena(slow, "algo", "db", TABLES, lambda _: None).ask(ASHA, "SELECT 1 FROM orders", ())
    assert slow.stopped


def posted(lake: Duck, body: Any, *, user: str = ASHA) -> tuple[int, Any]:
    event = http_event(
        "POST", "/lake/questions", json.dumps(body), headers={"content-type": "application/json"}
    )
    if user:
        event["requestContext"]["authorizer"] = {"jwt": {"claims": {"sub": user}}}
    reply = respond(event, lake)
    return reply["statusCode"], json.loads(reply["body"])


def test_over_http_the_token_says_whose_rows(lake: Duck) -> None:
    status, told = posted(lake, {"sql": "SELECT DISTINCT user_id FROM orders"})
    assert (status, told["rows"]) == (200, [["asha"]])
    assert posted(lake, {"sql": "SELECT DISTINCT user_id FROM orders"}, user="ravi")[1]["rows"] == [["ravi"]]
    assert posted(lake, {"sql": "SELECT 1"}, user="")[0] == 401


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "ask one of the questions, or SQL"),
        ({"question": "pnl"}, "say from when"),
        ({"question": "pnl", "sql": "SELECT 1", **NOVEMBER}, "ask one"),
        ({"question": "pnl", "by": "user_id; --", **NOVEMBER}, "by"),
        ({"question": "orders", "status": "x' OR '1", **NOVEMBER}, "status"),
        ({"sql": "SELECT nothing FROM orders"}, "nothing"),
        ({"sql": "SELECT * FROM secrets"}, "there is no table secrets"),
        ({"sql": "SELECT 1", "user_id": "ravi"}, "user_id"),
    ],
)
def test_a_wrong_question_is_answered_in_words(lake: Duck, body: Any, words: str) -> None:
    status, told = posted(lake, body)
    assert status == 422
    assert words in " ".join(told["problems"])


def test_an_answer_has_an_end(lake: Duck) -> None:
    cross = ", ".join(f"order_events AS t{n}" for n in range(3))
    told = lake.ask(ASHA, f"SELECT t0.order_id FROM {cross}", ())  # noqa: S608
    assert (len(told.rows), told.more) == (1000, True)


def test_names_and_files_are_the_same() -> None:
    folder = Path(questions.__file__).parent
    assert sorted(path.stem for path in folder.glob("*.sql")) == sorted(NAMES)
