"""``import``: what people typed into a readings.csv, or annotated in Label Studio, back into the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from flows.errors import JobError
from flows.learning.correction_events import announced_corrections
from forms.errors import FormError
from forms.form_file import BUILT_IN, load_forms
from forms.template import Field
from ledger.answers.corrections import Imported
from ledger.errors import LedgerError
from ledger.ledger import Ledger


def import_answers(path: Path, ledger_url: str | None, forms: Sequence[str] = ()) -> Imported:
    """Record what people answered in the file at ``path``.

    Args:
        path: a readings.csv, or Label Studio's JSON.
        ledger_url: the ledger; None for the one beside the file.
        forms: the forms that the scans were read with; the built-in ones need not be named.

    Raises:
        JobError: there is no such ledger, a form is wrong, or the file cannot be read.
    """
    beside = path.expanduser().absolute().parent / "formdigits.sqlite"
    if ledger_url is None and not beside.is_file():
        raise JobError(f"There is no ledger {beside}.", "Name the one that the file was written from with --ledger.")
    rules = field_rules(forms)
    try:
        url = ledger_url or f"sqlite:///{beside}"
        with Ledger.open(url) as ledger, announced_corrections(ledger, url):
            imported = ledger.import_corrections(path, rules)
    except LedgerError as error:
        raise JobError(str(error)) from error
    return replace(imported, unchecked=tuple(sorted(rules.unknown)))


class FormRules:
    """Fields by the name and version of their form, and their own name; ``unknown`` forms were asked for in vain."""

    def __init__(self, fields: Mapping[tuple[str, str, str], Field]):
        self._fields = fields
        self.unknown: set[str] = set()

    def __call__(self, form: str, version: str, field: str) -> Field | None:
        found = self._fields.get((form, version, field))
        if found is None:
            self.unknown.add(f"{form} {version}")
        return found


def field_rules(forms: Sequence[str]) -> FormRules:
    """Fields by the name and version of their form, and their own name.

    Raises:
        JobError: a form is wrong.
    """
    try:
        templates = [template for form in (*BUILT_IN, *forms) for template in load_forms(form)]
    except FormError as error:
        raise JobError(str(error)) from error
    return FormRules({(form.name, form.version, field.name): field for form in templates for field in form.fields})


def describe_import(imported: Imported, row: str = "Row") -> Iterator[str]:
    """What became of the file's rows, as people read it; ``row`` is what one is called there."""
    yield f"Answers  {imported.recorded} recorded, {imported.known} known already, {len(imported.refused)} refused"
    for form in imported.unchecked:
        yield f"Unknown  form {form}: its rules were not checked; name it with --form and import the file again"
    if imported.encoding:
        yield f"Encoding not Unicode: read as {imported.encoding}; look whether names with accents are right"
    for mended in imported.mended:
        yield f"{row} {mended.line}, {mended.field}: {mended.shown} taken as {mended.value}, for {mended.mend}"
    for refused in imported.refused:
        yield f"{row} {refused.line}, {refused.field or 'no field'}: {refused.why}"
    if imported.refused_file:
        yield f"Refused  {imported.refused_file}: mend these and import it"
