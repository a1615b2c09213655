"""The parameters of ``retrain``, bounded: Prefect's page shows them as a form."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class RetrainJob(BaseModel):
    """What to learn from, and where the versions of the models are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ledger: str = Field(min_length=1, description="Database address of the ledger with people's answers.")
    form: tuple[str, ...] = Field(
        min_length=1, description="The forms that the scans were read with: form.toml, folders of forms, built-in ones."
    )
    models: str | None = Field(
        default=None,
        description="The folder of the versions. Empty: FORMDIGITS_MODELS, or models beside an SQLite ledger.",
    )
    data: tuple[str, ...] = Field(
        default=(), description="MNIST's own file where it is not in Keras' cache, and other digits, as for training."
    )
    least_new: int = Field(
        default=1, ge=0, description="With fewer new answers than this since the last training, nothing is trained."
    )
    seed: int = Field(default=1, ge=0, le=2**32 - 1, description="The same seed and answers give the same candidate.")
