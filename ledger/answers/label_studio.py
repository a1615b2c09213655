"""Label Studio's JSON: open fields out as tasks with their crops, and annotations back in as answers.

The format is that of its documentation: "Label Studio JSON format of annotated tasks" and "Import pre-annotated data"
(https://labelstud.io/guide/task_format, https://labelstud.io/guide/predictions). What it exports as JSON and as
JSON_MIN are both taken.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from ledger.answers.corrected_csv import CorrectedRow
from ledger.errors import LedgerError
from ledger.review.items import OF_READING
from ledger.review.types import ReviewPolicy, Stage
from ledger.tables import crops, pages, readings, review_items

COLUMNS = ("scan", "page", "field", "corrected_value", "reviewer", "sha256", "answer_id")
_CONFIG = """\
<View>
  <Header value="$field"/>
  <Image name="crop" value="$image"/>
  <TextArea name="value" toName="crop" maxSubmissions="1" editable="true" rows="1" placeholder="digits"/>
  <Choices name="state" toName="crop" choice="single-radio">
    <Choice value="blank"/>
    <Choice value="illegible"/>
    <Choice value="struck_out"/>
  </Choices>
</View>
"""
_ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Tasks:
    """The files that were written: tasks, the labelling interface that they are made for; and how many tasks."""

    tasks: Path
    config: Path
    count: int


def write_tasks(connection: Connection, batch: int, out: Path) -> Tasks:
    """Write the open fields of a batch as ``label-studio.json``, least sure first, with ``label-studio.xml``.

    A guess goes along where it is likely right; as on the review page it is hidden below ``ReviewPolicy.blind_below``
    and from whoever keys a field that takes two people. What is checked blind looks like everything else.

    Raises:
        LedgerError: ``out`` cannot be written.
    """
    tasks, config = out / "label-studio.json", out / "label-studio.xml"
    try:
        out.mkdir(parents=True, exist_ok=True)
        config.write_text(_CONFIG, encoding="utf-8")
        part = tasks.with_name(f".{tasks.name}.part")
        with part.open("w", encoding="utf-8") as file:
            count = 0
            for count, task in enumerate(_tasks(connection, batch), 1):
                file.write(("[\n" if count == 1 else ",\n") + json.dumps(task))
            file.write("\n]\n" if count else "[]\n")
        part.replace(tasks)
    except OSError as error:
        problem = f"the tasks cannot be written into {str(out)!r} ({error.strerror})"
        raise LedgerError(problem, "make room, give write permission, or name another folder") from error
    return Tasks(tasks, config, count)


def _tasks(connection: Connection, batch: int) -> Iterator[dict[str, Any]]:
    rows = connection.execute(_open_fields(batch), execution_options={"yield_per": _ROWS_AT_ONCE})
    return (_task(row) for row in rows)


def _open_fields(batch: int) -> Select[Any]:
    of_page = [pages.c[name] for name in ("scan", "page", "sha256", "form", "model")]
    of_item = [review_items.c[name] for name in ("confidence", "keys", "answer_id")]
    same_crop = (crops.c.page_id == readings.c.page_id) & (crops.c.position == readings.c.position)
    query = select(*of_page, readings.c.field, readings.c.value, *of_item, crops.c.png)
    query = query.join_from(review_items, readings, OF_READING).join(pages, pages.c.id == readings.c.page_id)
    query = query.join(crops, same_crop).where(review_items.c.batch_id == batch)
    is_open = review_items.c.stage.in_([Stage.FIRST.value, Stage.SECOND.value])
    place = (review_items.c.page_id, review_items.c.position)
    return query.where(is_open).order_by(review_items.c.confidence, *place)


def _task(row: Row[Any]) -> dict[str, Any]:
    data = {
        "image": "data:image/png;base64," + base64.b64encode(row.png).decode(),
        "scan": row.scan,
        "page": row.page,
        "field": row.field,
        "form": row.form,
        "sha256": row.sha256,
        "answer_id": row.answer_id,
    }
    hidden = row.keys > 1 or not row.value or row.confidence < ReviewPolicy().blind_below
    return {"data": data, "predictions": [] if hidden else [_prediction(row)]}


def _prediction(row: Row[Any]) -> dict[str, Any]:
    region = {"id": "value", "from_name": "value", "to_name": "crop", "type": "textarea"}
    result = [region | {"value": {"text": [row.value]}}]
    return {"model_version": row.model, "score": round(row.confidence, 4), "result": result}


def annotated_rows(path: Path) -> Iterator[CorrectedRow]:
    """The annotations of an export; ``line`` is the task's number in the file, from 1.

    Raises:
        LedgerError: the file cannot be read, or is no export of Label Studio.
    """
    mend = "export the project as JSON or JSON-MIN"
    try:
        tasks = json.loads(path.read_bytes())
    except OSError as error:
        raise LedgerError(f"{str(path)!r} cannot be read ({error.strerror})", mend) from error
    except ValueError as error:
        raise LedgerError(f"{str(path)!r} is no JSON ({error})", mend) from error
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise LedgerError(f"{str(path)!r} is no export of Label Studio", mend)
    for number, task in enumerate(tasks, 1):
        yield from _annotations(number, task)


def _annotations(number: int, task: dict[str, Any]) -> Iterator[CorrectedRow]:
    data = task.get("data")
    if not isinstance(data, dict):  # JSON_MIN: all in one, a task for each annotation
        yield _row(number, task, _plain(task.get("value")), _plain(task.get("state")), task.get("annotator"))
        return
    for annotation in _dicts(task.get("annotations")):
        if not annotation.get("was_cancelled"):  # skipped
            said = dict(_said(annotation))
            yield _row(number, data, said.get("value", ""), said.get("state", ""), annotation.get("completed_by"))


def _said(annotation: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for region in _dicts(annotation.get("result")):
        value = region.get("value")
        if isinstance(value, dict):
            yield str(region.get("from_name")), _plain(value.get("text", value.get("choices")))


def _dicts(found: object) -> Iterable[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _plain(found: object) -> str:
    """What was typed or chosen: a text, or a list whose last is the newest."""
    if isinstance(found, dict):
        found = found.get("text", found.get("choices"))
    if isinstance(found, list):
        found = found[-1] if found else None
    return found.strip() if isinstance(found, str) else ""


def _row(number: int, data: dict[str, Any], typed: str, state: str, by: object) -> CorrectedRow:
    texts = {name: "" if data.get(name) is None else str(data[name]) for name in ("scan", "sha256", "page", "field")}
    page = texts["page"] if texts["page"].isdecimal() else ""
    seen = data.get("answer_id")
    answer = state or typed
    cells = (texts["scan"], page, texts["field"], answer, _person(by), texts["sha256"], "" if seen is None else seen)
    return CorrectedRow(
        line=number,
        sha256=texts["sha256"],
        page=page,
        field=texts["field"],
        value=None,
        corrected_value=answer,
        reviewer=_person(by),
        seen=seen if isinstance(seen, int) else None,
        cells=tuple(map(str, cells)),
    )


def _person(by: object) -> str:
    """Who annotated: an address, or the number that Label Studio gave them."""
    if isinstance(by, dict):
        by = by.get("email") or by.get("id")
    return "" if by is None else str(by)
