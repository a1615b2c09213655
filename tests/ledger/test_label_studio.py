"""Tasks out and annotations in, in the form in which Label Studio documents and exports them."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ledger.answers.refusals import Refusal
from ledger.errors import LedgerError
from ledger.ledger import Ledger
from ledger.tables import corrections, readings
from reading.readings import Reason
from tests.ledger.test_corrections import table

LOW = Reason.LOW_CONFIDENCE


@pytest.fixture
def batch(sqlite_ledger: Ledger, read: Callable, field: Callable, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("ledger.batches.secrets.token_hex", lambda length: "5e" * length)
    batch = sqlite_ledger.open_batch("scans", "zip", "1")
    fields = [
        field("likely", "0412", LOW, confidence=0.9),
        field("unlikely", "0413", LOW, confidence=0.3),
        field("twice", "0414", LOW, confidence=0.9, two_keys=True),
        field("empty", "", Reason.BLANK, confidence=0.9),
        field("sampled", "0415", Reason.AUDIT_SAMPLE, confidence=0.99),
        field("sure", "0416"),
    ]
    sqlite_ledger.record_chunk(batch, [read("a.png", 1, "sha", *fields)])
    return batch


@pytest.fixture
def tasks(sqlite_ledger: Ledger, batch: int, tmp_path: Path) -> dict[str, dict[str, Any]]:
    written = sqlite_ledger.export_tasks(batch, tmp_path / "out")
    found = json.loads(written.tasks.read_text())
    assert (written.count, len(found)) == (5, 5)
    order = [task["data"]["field"] for task in found]
    assert order.index("unlikely") < order.index("likely")  # the least sure first
    config = written.config.read_text()
    assert 'name="crop" value="$image"' in config
    assert 'TextArea name="value" toName="crop"' in config
    return {task["data"]["field"]: task for task in found}


@pytest.fixture
def annotate(sqlite_ledger: Ledger, tmp_path: Path) -> Callable:
    def run(found: list[Any]) -> Any:
        path = tmp_path / "project.json"
        path.write_text(json.dumps(found))
        return sqlite_ledger.import_corrections(path)

    return run


def annotated(task: dict[str, Any], text: str | None, by: object = 7, **changes: Any) -> dict[str, Any]:
    """The task as it is exported once someone submitted it."""
    region = {"id": "x", "from_name": "value", "to_name": "crop", "type": "textarea", "origin": "manual"}
    result = [] if text is None else [region | {"value": {"text": [text]}}]
    annotation = {"id": 1, "completed_by": by, "result": result, "was_cancelled": False, "ground_truth": False}
    return task | {"id": 41, "annotations": [annotation | changes], "drafts": []}


def chosen(state: str) -> list[dict[str, Any]]:
    region = {"id": "y", "from_name": "state", "to_name": "crop", "type": "choices"}
    return [region | {"value": {"choices": [state]}}]


def answers(ledger: Ledger) -> list[tuple[str, ...]]:
    wanted = (
        readings.c.field,
        corrections.c.verdict,
        corrections.c.value,
        corrections.c.reviewer,
        corrections.c.source,
    )
    with ledger._database.read() as connection:
        rows = connection.execute(select(*wanted).join_from(corrections, readings).order_by(corrections.c.id))
        return [tuple(row) for row in rows]


def test_tasks_show_a_guess_only_where_it_is_likely(tasks: dict[str, dict[str, Any]]) -> None:
    image = tasks["likely"]["data"]["image"]
    assert base64.b64decode(image.removeprefix("data:image/png;base64,")) == b"\x89PNGlikely"
    (prediction,) = tasks["likely"]["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("cnn 1", 0.9)
    assert prediction["result"][0]["value"] == {"text": ["0412"]}
    assert [tasks[name]["predictions"] for name in ("unlikely", "twice", "empty")] == [[], [], []]
    told = json.dumps(tasks)
    assert not [hidden for hidden in ("0413", "0414", "audit", "0.99") if hidden in told]


def test_annotations_become_answers(
    tasks: dict[str, dict[str, Any]], annotate: Callable, sqlite_ledger: Ledger
) -> None:
    ada = {"id": 7, "email": "ada@example.org"}
    found = [
        annotated(tasks["likely"], "0412", ada),
        annotated(tasks["unlikely"], " 9999 "),
        annotated(tasks["twice"], "0414", 7),
        annotated(tasks["empty"], None, result=chosen("struck_out")),
        annotated(tasks["sampled"], "0415", was_cancelled=True),
    ]
    found[2]["annotations"] += annotated(tasks["twice"], "0444", 8)["annotations"]
    assert annotate(found).recorded == 5
    assert answers(sqlite_ledger) == [
        ("likely", "value", "0412", "ada@example.org", "label_studio"),
        ("unlikely", "value", "9999", "7", "label_studio"),
        ("twice", "value", "0414", "7", "label_studio"),
        ("empty", "struck_out", "", "7", "label_studio"),
        ("twice", "value", "0444", "8", "label_studio"),
    ]
    assert annotate(found).recorded == 0


def test_the_short_format(tasks: dict[str, dict[str, Any]], annotate: Callable, sqlite_ledger: Ledger) -> None:
    short = {name: {**task["data"], "id": 3, "annotator": 7} for name, task in tasks.items()}
    found = [short["likely"] | {"value": "0499"}, short["unlikely"] | {"state": "illegible"}]
    found.append(short["sampled"] | {"value": {"text": ["0415"]}})
    assert annotate(found).recorded == 3
    assert [answer[1:3] for answer in answers(sqlite_ledger)] == [
        ("value", "0499"),
        ("illegible", ""),
        ("value", "0415"),
    ]


def test_what_cannot_be_taken_is_told_task_by_task(
    tasks: dict[str, dict[str, Any]], annotate: Callable, sqlite_ledger: Ledger
) -> None:
    twice = annotated(tasks["likely"], "1", 7)
    twice["annotations"] += annotated(tasks["likely"], "2", 8)["annotations"]
    found = [
        annotated(tasks["unlikely"], None),
        annotated({"data": {"image": "x.png"}}, "1"),
        twice,
        {"data": {}, "annotations": [None, {"result": [None, {"value": 3}]}]},
        annotated(tasks["sampled"], "0415"),
    ]
    outcome = annotate(found)
    told = [(row.line, row.refusal) for row in outcome.refused]
    assert told == [
        (1, Refusal.NOTHING),
        (2, Refusal.UNKNOWN),
        (3, Refusal.TWICE),
        (3, Refusal.TWICE),
        (4, Refusal.UNKNOWN),
    ]
    assert outcome.recorded == 1
    rows = table(outcome.refused_file)
    assert [(row["field"], row["corrected_value"]) for row in rows][2:4] == [("likely", "1"), ("likely", "2")]
    outcome.refused_file.write_text(outcome.refused_file.read_text(encoding="utf-8-sig").replace(",2,8,", ",1,8,"))
    assert sqlite_ledger.import_corrections(outcome.refused_file).recorded == 2


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"tasks": []}', "\x00", "[" * 100])
def test_no_export(content: str, sqlite_ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(LedgerError, match="export the project as JSON"):
        sqlite_ledger.import_corrections(path)
