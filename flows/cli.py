"""The ``formdigits`` command. It only reads its options and hands them on; heavy imports wait until they are needed."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from flows.commands.correcting import erase, export, import_
from flows.commands.evaluating import evaluate
from flows.commands.learning import models, retrain
from flows.commands.options import as_flow, flow_option, job_of
from flows.commands.review import review, users
from flows.errors import ExitCode, JobError, JobFailed
from flows.settings import MAX_WORKERS, DigitizeJob, TrainJob
from flows.terminal import progress_bar, say, set_up_logging

if TYPE_CHECKING:
    from flows.summary import DigitizeSummary

logger = logging.getLogger(__name__)


class FormdigitsGroup(click.Group):
    """A group whose every failure is one line on stderr and an exit code of the contract."""

    def main(self, *args: Any, **options: Any) -> NoReturn:
        options["standalone_mode"] = False
        sys.exit(self._guarded(lambda: super(FormdigitsGroup, self).main(*args, **options)))

    @staticmethod
    def _guarded(run: Callable[[], Any]) -> int:
        try:
            return int(run() or ExitCode.OK)
        except click.ClickException as error:
            say(f"formdigits: {error.format_message()}")
            return ExitCode.USAGE
        except JobError as error:
            for line in str(error).splitlines():
                say(f"formdigits: {line}")
            return error.exit_code
        except (KeyboardInterrupt, click.Abort):
            say("formdigits: stopped at once; what was recorded is kept. Run the same command again to go on.")
            return ExitCode.FAILED
        except Exception as error:  # the border of the program
            logger.info("The failure in full", exc_info=True)
            say(f"formdigits: failed unforeseen ({type(error).__name__}: {error}). Run it with -v for the details.")
            return ExitCode.FAILED


@click.group(cls=FormdigitsGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="formdigits")
@click.option("-v", "--verbose", count=True, help="Say more on stderr; -vv for what the libraries say too.")
def cli(verbose: int) -> None:
    """Digitize handwritten digits from scanned forms, and say what a person should check."""
    set_up_logging(verbose)


@cli.command()
@click.argument("scans")
@click.option("--form", required=True, help="A form.toml, a folder of forms, or digits, zip, amount, date.")
@click.option("--out", required=True, help="Folder for readings.csv and records.csv.")
@click.option("--ledger", metavar="URL", help="Database of the ledger.  [default: formdigits.sqlite in --out]")
@click.option("--model", help="A shipped model, or a bundle folder.  [default: what is in use in --models, or cnn]")
@click.option(
    "--string-model",
    help="The second reader of free-hand fields; none for the model alone.  [default: likewise, or strings]",
)
@click.option("--models", metavar="DIR", help="The models' versions.  [default: models beside an SQLite ledger]")
@click.option(
    "--max-error",
    type=click.FloatRange(0, 0.5, min_open=True),
    help="The share of accepted fields that may be wrong, such as 0.01.",
)
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    help="In place of --max-error: fields read with less confidence are flagged.  [default: 0.95]",
)
@click.option("--trust", metavar="FILE", help="A calibration by formdigits calibrate.  [default: the model's own]")
@click.option(
    "--audit-share",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="The share of accepted fields that people check without being told.",
)
@click.option(
    "--drift-reference",
    type=click.IntRange(min=100),
    default=1000,
    show_default=True,
    help="How many of a form's first fields later ones are compared with.",
)
@click.option(
    "--on-drift",
    type=click.Choice(["flag", "warn"]),
    default="flag",
    show_default=True,
    help="What is done where fields are strongly unlike the form's first ones.",
)
@click.option("--workers", type=click.IntRange(1, MAX_WORKERS), help="How many read at a time.  [default: one a core]")
@click.option(
    "--runner",
    type=click.Choice(["processes", "threads", "dask"]),
    default="processes",
    show_default=True,
    help="What reads: processes, threads of this process, or a Dask cluster.",
)
@click.option("--scheduler", metavar="ADDRESS", help="Of the Dask cluster.  [default: one on this machine]")
@click.option(
    "--page-seconds",
    type=click.FloatRange(0.1, 3600),
    default=60.0,
    show_default=True,
    help="A page that takes longer is set aside.",
)
@click.option(
    "--page-memory",
    "page_memory_mb",
    type=click.IntRange(64, 65536),
    default=2048,
    show_default=True,
    help="So is one that takes more MB than this.",
)
@click.option("--again", is_flag=True, help="Read what is flagged and not yet answered again, without the scans.")
@flow_option
def digitize(flow: bool | None, again: bool, **options: Any) -> int:
    """Read SCANS, a scan or a folder of them, into OUT/readings.csv and OUT/records.csv.

    Run again over the same folder, it reads only what is new.
    """
    job = job_of(DigitizeJob, options)
    try:
        summary = (_reread if again else _digitize)(job, as_flow=as_flow(flow))
    except JobFailed as error:
        _print_summary(error.summary)
        raise
    _print_summary(summary)
    return summary.exit_code


def _digitize(job: DigitizeJob, *, as_flow: bool) -> DigitizeSummary:
    with progress_bar("Reading") as progress:
        if as_flow:
            from flows.flow_digitize import digitize_recorded

            return digitize_recorded(job, progress, say)
        from flows.batches.digitizing import digitize as digitize_plain

        return digitize_plain(job, progress, say)


def _reread(job: DigitizeJob, *, as_flow: bool) -> DigitizeSummary:
    if as_flow:
        from flows.flow_digitize import reread_recorded

        return reread_recorded(job, say)
    from flows.batches.rereading import reread

    return reread(job, say)


def _print_summary(summary: DigitizeSummary | None) -> None:
    if summary is not None:
        click.echo("\n".join(summary.lines()))


@cli.command()
@click.option(
    "--architecture",
    type=click.Choice(["seed-ann", "seed-ann-plus", "cnn", "strings"]),
    default="seed-ann",
    show_default=True,
)
@click.option(
    "--data",
    metavar="PATH[:WEIGHT]",
    multiple=True,
    help="Digits to train on besides MNIST's, or MNIST's own file; as often as you like.",
)
@click.option("--out", help="Folder of the bundle.  [default: where the shipped bundle of that name lies]")
@click.option("--epochs", type=click.IntRange(1, 200), help="In place of the recipe's.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="In place of the recipe's.")
@flow_option
def train(flow: bool | None, **options: Any) -> None:
    """Train a network and write its model bundle."""
    job = job_of(TrainJob, options)
    say("Loading TensorFlow ...")
    if as_flow(flow):
        from flows.flow_train import train_recorded

        bundle = train_recorded(job, say)
    else:
        from flows.learning.training import train as train_plain

        bundle = train_plain(job, lambda step: say(step.line))
    from flows.learning.training import describe_bundle

    click.echo("\n".join(describe_bundle(bundle)))


@cli.group()
def form() -> None:
    """Check form files, and show what the software believes of a scan."""


@form.command()
@click.argument("form")
def check(form: str) -> None:
    """Check FORM: a form.toml, or a folder of forms."""
    from flows.form_views import describe_forms

    click.echo("\n".join(describe_forms(form)))


@form.command()
@click.argument("form")
@click.argument("scan", type=click.Path(path_type=Path))
@click.option("-o", "picture", type=click.Path(path_type=Path), default="picture.png", show_default=True)
@click.option("--model", default="cnn", show_default=True, help="A shipped model, or a bundle folder.")
def show(form: str, scan: Path, picture: Path, model: str) -> None:
    """Draw over SCAN where the fields of FORM lie and what is read there."""
    from flows.form_views import draw_scan

    draw_scan(form, scan, model, picture)
    click.echo(picture)


@cli.command()
@click.option("--ledger", metavar="URL", required=True, help="Database of the ledger.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def audit(ledger: str, as_json: bool) -> None:
    """Say how often accepted fields were wrong, as far as people checked them blind."""
    from flows.reviewing.audit import audit_ledger, audits_json, describe_audits

    found = audit_ledger(ledger)
    click.echo(audits_json(found) if as_json else "\n".join(describe_audits(found)))


@cli.command()
@click.argument("readings", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--form", required=True, help="The forms that the scans were read with.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The calibration to write, a JSON file.")
@click.option("--truth", type=click.Path(path_type=Path), help="A CSV of true values, with columns scan, field, value.")
@click.option("--trust", metavar="FILE", help="What the scans were read with.  [default: the model's own]")
def calibrate(readings: tuple[Path, ...], form: str, out: Path, truth: Path | None, trust: str | None) -> None:
    """Measure on checked READINGS, readings.csv files, what confidences are worth on your own scans.

    The scans are to be read with --min-confidence 1, so that every field is flagged, and every row is to be checked.
    """
    from flows.learning.calibrating import calibrate as calibrate_site
    from flows.learning.calibrating import describe_calibration

    click.echo("\n".join(describe_calibration(calibrate_site(readings, form, out, truth, trust))))


for _command in (erase, evaluate, export, import_, models, retrain, review, users):
    cli.add_command(_command)


def main() -> None:
    """Entry point of ``formdigits``."""
    cli()


if __name__ == "__main__":
    main()
