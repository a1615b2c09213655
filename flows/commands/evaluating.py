"""The command ``evaluate``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("what", metavar="DIGITS.npz|OUT")
@click.option("--model", default="cnn", show_default=True, help="Of digits: a shipped model, or a bundle folder.")
@click.option("--truth", type=click.Path(path_type=Path), help="Of fields: a CSV with columns scan, field, value.")
@click.option("--scans", help="Of fields: the scans whose batch is wanted.  [default: the newest batch]")
@click.option("-o", "picture", type=click.Path(path_type=Path), help="Of fields: a .png to draw.")
@click.option("--json", "as_json", is_flag=True, help="Of fields: for programs.")
def evaluate(what: str, model: str, truth: Path | None, scans: str | None, picture: Path | None, as_json: bool) -> None:
    """Measure how good readings are, and how good their confidences: calibration error, and what rejecting buys.

    DIGITS.npz holds labelled digits, for a model. OUT is a folder that digitize wrote to, or a ledger's URL, for whole
    fields: beside --truth, or beside what people answered.
    """
    if what.endswith(".npz"):
        from flows.learning.training import describe_evaluation
        from flows.learning.training import evaluate as evaluate_digits

        click.echo("\n".join(describe_evaluation(evaluate_digits(Path(what), model))))
        return
    from flows.learning.field_evaluation import describe_evaluated, draw_evaluated, evaluate_fields, evaluated_json
    from flows.reviewing.serving import ledger_url

    found = evaluate_fields(what if "://" in what else ledger_url(None, what), truth, scans)
    if picture is not None:
        draw_evaluated(found, picture)
    click.echo(evaluated_json(found) if as_json else "\n".join(describe_evaluated(found)))
