"""What the commands that can run as Prefect flows share: their option, and the way from options to a job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
from pydantic import BaseModel, ValidationError

from flows.environment import configured_api

Job = TypeVar("Job", bound=BaseModel)


def flow_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option ``--flow``."""
    return click.option(
        "--flow/--no-flow",
        default=None,
        help="Run as a recorded Prefect flow, or not. By default where a Prefect API is configured.",
    )(command)


def as_flow(flow: bool | None) -> bool:
    """Whether to run as a flow, where ``flow`` is what was said about it."""
    return configured_api() is not None if flow is None else flow


def job_of(model: type[Job], options: dict[str, Any]) -> Job:
    """The job that a command's options state.

    Raises:
        UsageError: one of them is out of bounds.
    """
    try:
        return model(**options)
    except ValidationError as error:
        first = error.errors()[0]
        place = f"{first['loc'][0]}: " if first["loc"] else ""
        raise click.UsageError(f"{place}{first['msg']}") from error
