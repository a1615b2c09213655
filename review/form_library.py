"""The forms that the page knows: what their fields are called, and what values they ask for."""

from __future__ import annotations

from collections.abc import Iterable

from forms.template import Field, FormTemplate
from reading.readings import Reason
from reading.rules import broken_rules


class FormLibrary:
    """Forms by name. Of a form that is not among them, fields have their names and no rules."""

    def __init__(self, forms: Iterable[FormTemplate]):
        self._forms = {form.name: form for form in forms}

    def form(self, name: str) -> FormTemplate | None:
        return self._forms.get(name)

    def title(self, form: str) -> str:
        known = self._forms.get(form)
        return (known and known.title) or form

    def field(self, form: str, name: str) -> Field | None:
        known = self._forms.get(form)
        return next((field for field in known.fields if field.name == name), None) if known else None

    def label(self, form: str, name: str) -> str:
        """What people call the field: the form's label, or its name in words."""
        known = self.field(form, name)
        return (known and known.label) or name.replace("_", " ")

    def broken(self, form: str, name: str, value: str) -> tuple[Reason, ...]:
        """The rules that a typed value breaks."""
        known = self.field(form, name)
        return broken_rules(known, value) if known and value else ()
