"""The commands ``retrain`` and ``models``."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Any

import click

from flows.commands.options import as_flow, flow_option, job_of
from flows.learning.settings import RetrainJob
from flows.terminal import say

if TYPE_CHECKING:
    from flows.learning.retraining import Retraining

_MODELS = click.option(
    "--models",
    metavar="DIR",
    help="The models' versions.  [default: FORMDIGITS_MODELS, or models beside an SQLite ledger]",
)
_LEDGER = click.option("--ledger", metavar="URL", help="Database of the ledger beside which they lie.")
_BY = click.option("--by", metavar="NAME", default=getpass.getuser, help="Who decides.  [default: who runs it]")
_WHY = click.option("--why", metavar="TEXT", default="", help="The reason, for the record.")


@click.command()
@click.option("--ledger", metavar="URL", required=True, help="Database of the ledger.")
@click.option("--form", multiple=True, required=True, help="The forms of the scans; as often as you like.")
@_MODELS
@click.option(
    "--data", metavar="PATH[:WEIGHT]", multiple=True, help="MNIST's own file, and other digits, as for train."
)
@click.option(
    "--least-new",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="With fewer new answers since the last training, nothing is trained.",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True)
@flow_option
def retrain(flow: bool | None, **options: Any) -> None:
    """Learn from what people answered; use what was learned if it is better on answers that it did not see."""
    job = job_of(RetrainJob, options)
    done = _retrain(job, recorded=as_flow(flow))
    from flows.learning.retraining import describe_retraining

    click.echo("\n".join(describe_retraining(done)))


def _retrain(job: RetrainJob, *, recorded: bool) -> Retraining:
    if recorded:
        from flows.flow_retrain import retrain_recorded

        return retrain_recorded(job, say)
    from flows.learning.retraining import retrain as retrain_plain

    return retrain_plain(job, lambda step: say(f"{step.done:>3} of {step.total}  {step.line}"))


@click.group()
def models() -> None:
    """The versions of the models: which are there, and which one reads."""


@models.command("list")
@_LEDGER
@_MODELS
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_(ledger: str | None, models: str | None, as_json: bool) -> None:
    """Show the versions, what each was trained on, and who or what took it into use."""
    from flows.learning.model_versions import describe_versions, versions_json

    described = versions_json if as_json else describe_versions
    click.echo("\n".join(described(models, ledger)))


@models.command()
@click.argument("version", type=click.IntRange(min=0))
@_LEDGER
@_MODELS
@_BY
@_WHY
@click.option("--although-refused", is_flag=True, help="Even if it did not pass the gate.")
def promote(version: int, ledger: str | None, models: str | None, **decision: Any) -> None:
    """Take VERSION into use from the next run on."""
    from flows.learning.model_versions import promote_version

    click.echo(promote_version(version, models, ledger, **decision))


@models.command()
@_LEDGER
@_MODELS
@_BY
@_WHY
def rollback(ledger: str | None, models: str | None, by: str, why: str) -> None:
    """Go back to the version that was in use before."""
    from flows.learning.model_versions import rollback_version

    click.echo(rollback_version(models, ledger, by, why))
