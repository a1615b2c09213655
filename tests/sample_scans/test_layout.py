import pytest

from forms.form_file import load_form
from sample_scans.generate import HERE, layout_of
from sample_scans.plans import SETS


@pytest.mark.parametrize("form", SETS)
def test_the_generator_prints_where_the_reader_cuts(form: str) -> None:
    layout, template = layout_of(form), load_form(HERE / form / "form.toml")
    assert (layout.width_mm, layout.height_mm) == (template.page_width_mm, template.page_height_mm)
    assert [slot.name for slot in layout.slots] == [field.name for field in template.fields]
    for slot, field in zip(layout.slots, template.fields, strict=True):
        read = [(box.x_mm, box.y_mm, box.width_mm, box.height_mm) for box in field.boxes]
        assert [pytest.approx(box) for box in slot.boxes] == read
    assert list(layout.marks) == [(mark.x_mm, mark.y_mm, mark.size_mm) for mark in template.marks]


def test_gaps_lie_between_the_boxes_only() -> None:
    (slot,) = layout_of("envelope").slots
    assert slot.rect == pytest.approx((160.0, 88.0, 44.0, 9.0))
    assert [round(box[0], 3) for box in slot.boxes] == [160.0, 169.0, 178.0, 187.0, 196.0]
