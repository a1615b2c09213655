"""The parameters of the flows and of the command, bounded: Prefect's page shows these models as forms."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_WORKERS = 64


class DigitizeJob(BaseModel):
    """What to read, by which form and model, and where the results go."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scans: str = Field(min_length=1, description="A scan, or a folder of scans, which is searched through.")
    form: str = Field(
        min_length=1,
        description="A form.toml, a folder of forms, or a built-in form for cut-out fields: digits, zip, amount, date.",
    )
    out: str = Field(min_length=1, description="The folder that readings.csv and records.csv are written to.")
    ledger: str | None = Field(
        default=None, description="Database address of the ledger. Empty: formdigits.sqlite in the output folder."
    )
    model: str | None = Field(
        default=None,
        min_length=1,
        description="A model that ships with the project, or a bundle folder. Empty: the one in use in models, or cnn.",
    )
    string_model: str | None = Field(
        default=None,
        min_length=1,
        description="The second reader of free-hand fields: one that ships, a bundle folder, or none. Empty: the one "
        "in use in models, or strings.",
    )
    models: str | None = Field(
        default=None,
        min_length=1,
        description="The folder of the models' versions, which retrain fills. Empty: FORMDIGITS_MODELS, or models "
        "beside an SQLite ledger.",
    )
    max_error: float | None = Field(
        default=None,
        gt=0.0,
        le=0.5,
        description="The share of accepted fields that may be wrong. Empty: whatever min_confidence accepts.",
    )
    min_confidence: float | None = Field(
        default=None,
        ge=0.0,
        le=1.0,
        description="In place of max_error: fields read with less confidence are flagged for review. Empty: 0.95.",
    )
    trust: str | None = Field(
        default=None, description="A calibration that was made for this kind of scans. Empty: the model's own."
    )
    audit_share: float = Field(
        default=0.0,
        ge=0.0,
        le=1.0,
        description="The share of accepted fields that people check without being told, to measure the error rate.",
    )
    drift_reference: int = Field(
        default=1000, ge=100, description="How many of a form's first fields later ones are compared with."
    )
    on_drift: Literal["flag", "warn"] = Field(
        default="flag", description="What is done where fields are strongly unlike the form's first ones."
    )
    workers: int | None = Field(
        default=None, ge=1, le=MAX_WORKERS, description="How many read at a time. Empty: as many as there are cores."
    )
    runner: Literal["processes", "threads", "dask"] = Field(
        default="processes",
        description="What reads: processes of this machine, each page within its bounds; threads of this process, "
        "which a page that kills or hangs it takes with it; or a Dask cluster.",
    )
    scheduler: str | None = Field(
        default=None, min_length=1, description="Address of a Dask scheduler. Empty: a cluster on this machine."
    )
    page_seconds: float = Field(
        default=60.0, ge=0.1, le=3600.0, description="A page that takes longer is set aside. Not kept by threads."
    )
    page_memory_mb: int = Field(
        default=2048, ge=64, le=65536, description="So is one that takes more memory than this. Not kept by threads."
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> DigitizeJob:
        if self.max_error is not None and self.min_confidence is not None:
            raise ValueError("ask for max_error or for min_confidence, not for both")
        return self

    @model_validator(mode="after")
    def _scheduler_of_dask(self) -> DigitizeJob:
        if self.scheduler is not None and self.runner != "dask":
            raise ValueError("a scheduler is for the runner dask")
        return self

    @property
    def out_folder(self) -> Path:
        return Path(self.out).expanduser().absolute()

    @property
    def ledger_url(self) -> str:
        return self.ledger or f"sqlite:///{self.out_folder / 'formdigits.sqlite'}"


class TrainJob(BaseModel):
    """Which network to train, on what, and where its bundle goes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    architecture: Literal["seed-ann", "seed-ann-plus", "cnn", "strings"] = Field(
        default="seed-ann", description="The network to train."
    )
    data: tuple[str, ...] = Field(
        default=(),
        description="Digits to train on besides MNIST's: .npz, idx files or folders 0 to 9, as PATH or PATH:WEIGHT. "
        "An .npz in Keras' layout with a test half and without a weight takes MNIST's place.",
    )
    out: str | None = Field(
        default=None,
        description="Folder of the model bundle. Empty: the place of the bundles that ship with the project.",
    )
    epochs: int | None = Field(default=None, ge=1, le=200, description="Empty: as the recipe of the network says.")
    seed: int | None = Field(default=None, ge=0, le=2**32 - 1, description="Empty: as the recipe of the network says.")
