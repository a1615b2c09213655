from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from flows.settings import DigitizeJob, TrainJob

DIGITIZE = {"scans": "s", "form": "f", "out": "o"}


@pytest.mark.parametrize(
    ("model", "parameters", "place"),
    [
        (DigitizeJob, {"scans": ""}, "scans"),
        (DigitizeJob, {"min_confidence": 1.01}, "min_confidence"),
        (DigitizeJob, {"min_confidence": -0.1}, "min_confidence"),
        (DigitizeJob, {"max_error": 0.0}, "max_error"),
        (DigitizeJob, {"max_error": 0.51}, "max_error"),
        (DigitizeJob, {"workers": 0}, "workers"),
        (DigitizeJob, {"workers": 65}, "workers"),
        (DigitizeJob, {"treshold": 0.9}, "treshold"),
        (TrainJob, {"architecture": "rnn"}, "architecture"),
        (TrainJob, {"epochs": 0}, "epochs"),
        (TrainJob, {"seed": 2**32}, "seed"),
        (TrainJob, {"folder": "x"}, "folder"),
    ],
)
def test_what_is_out_of_bounds_is_refused(model: type[BaseModel], parameters: dict[str, Any], place: str) -> None:
    usual = DIGITIZE if model is DigitizeJob else {}
    with pytest.raises(ValidationError) as refused:
        model(**{**usual, **parameters})
    assert refused.value.errors()[0]["loc"] == (place,)


def test_an_error_rate_and_a_confidence_exclude_each_other() -> None:
    with pytest.raises(ValidationError, match="not for both"):
        DigitizeJob(**DIGITIZE, max_error=0.01, min_confidence=0.9)


@pytest.mark.parametrize("model", [DigitizeJob, TrainJob])
def test_every_parameter_has_a_description_for_the_form(model: type[BaseModel]) -> None:
    assert all(field["description"] for field in model.model_json_schema()["properties"].values())


def test_the_ledger_lies_in_the_output_folder_unless_named() -> None:
    job = DigitizeJob(scans="s", form="f", out="/data/out")
    assert job.ledger_url == "sqlite:////data/out/formdigits.sqlite"
    assert job.model_copy(update={"ledger": "postgresql://host/db"}).ledger_url == "postgresql://host/db"
