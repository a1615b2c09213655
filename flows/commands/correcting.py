"""The commands ``export``, ``import`` and ``erase``: between the ledger and those who correct it elsewhere."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from flows.errors import ExitCode

_ledger_option = click.option("--ledger", metavar="URL", required=True, help="Database of the ledger.")


@click.command()
@_ledger_option
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the CSV.")
@click.option("--scans", help="The scans whose batch is wanted.  [default: the newest batch]")
@click.option("--label-studio", is_flag=True, help="Write the fields to check as tasks for Label Studio instead.")
def export(ledger: str, out: Path, scans: str | None, label_studio: bool) -> None:
    """Write readings.csv and records.csv from the ledger."""
    from flows.reviewing.exporting import export_batch, export_tasks

    if label_studio:
        tasks = export_tasks(ledger, out, scans)
        click.echo(f"{tasks.count} tasks\n{tasks.tasks}\n{tasks.config}")
        return
    written = export_batch(ledger, out, scans)
    click.echo(f"{written.rows} fields\n{written.readings}\n{written.records}")


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--ledger", metavar="URL", help="Database of the ledger.  [default: formdigits.sqlite beside FILE]")
@click.option("--form", "forms", multiple=True, help="The forms that the scans were read with; as often as you like.")
def import_(file: Path, ledger: str | None, forms: tuple[str, ...]) -> int:
    """Record what people typed into FILE: a readings.csv, or what Label Studio exported as JSON.

    What a spreadsheet did to values is mended where only one value can have been meant; --form helps, for the rules of
    a field tell. Rows that are refused are written beside FILE.
    """
    from flows.reviewing.correcting import describe_import, import_answers

    imported = import_answers(file, ledger, forms)
    row = "Task" if file.suffix.lower() == ".json" else "Row"
    click.echo("\n".join(describe_import(imported, row)))
    return ExitCode.UNREADABLE_PAGES if imported.refused else ExitCode.OK


@click.command()
@_ledger_option
@click.option("--batch", metavar="SCANS", help="All that was read from these scans.")
@click.option("--before", type=click.DateTime(["%Y-%m-%d"]), help="All that was read before this day (UTC).")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(ledger: str, batch: str | None, before: datetime | None, yes: bool) -> None:
    """Remove images and values for good; what was counted stays: fields, answers, errors."""
    from flows.reviewing.erasing import describe_erased, describe_plan, erase_pages

    if batch is None and before is None:
        raise click.UsageError("name what to erase: --batch, --before, or both")
    if not yes:
        click.confirm("\n".join([*describe_plan(ledger, batch, before), "Erase this for good?"]), abort=True)
    click.echo("\n".join(describe_erased(erase_pages(ledger, batch, before), ledger)))
