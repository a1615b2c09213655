import numpy as np
import pytest

from forms.template import FieldKind
from reading import site_trust
from reading.calibration import Calibration
from reading.checked import CheckedField
from reading.compared import Compared, confusion, figures_by_kind, honesty_of
from reading.site_trust import fit_site_trust
from tests.made_lessons import lesson, reading


def test_values_are_laid_beside_their_truths_digit_by_digit():
    counts = confusion(["1234", "50", "77", "8"], ["1294", "5", "777", ""])
    expected = np.zeros((11, 11), int)
    for right, read, times in [
        (1, 1, 1),
        (2, 2, 1),
        (3, 9, 1),
        (4, 4, 1),
        (5, 5, 1),
        (0, 10, 1),
        (7, 7, 2),
        (10, 7, 1),
    ]:
        expected[right, read] += times
    expected[8, 10] += 1
    assert (counts == expected).all()


def test_figures_come_for_all_fields_and_for_each_kind():
    fields = [
        Compared(lesson("a"), reading("42"), reading("42")),
        Compared(lesson("b"), reading("47"), reading("42")),
        Compared(lesson("c", form="order"), reading("42"), reading("4")),
    ]
    told = {one.name: (one.count, one.right_before, one.right_after) for one in figures_by_kind(fields)}
    assert told == {"all": (3, 2, 2), "comb fields of meter": (2, 1, 2), "comb fields of order": (1, 1, 0)}
    low, high = figures_by_kind(fields)[0].interval_after
    assert (low, high) == pytest.approx((0.0943, 0.9916), abs=1e-3)  # Clopper and Pearson, 2 of 3


def checked(sure, right):
    return CheckedField(FieldKind.COMB, 0.5, True, right, {"posterior": sure})


def composed(rng):
    for kind in FieldKind:
        for _ in range(600):
            sure = float(rng.normal(5, 3))
            right = bool(rng.random() < 1 / (1 + np.exp(-sure)))
            yield CheckedField(kind, 0.5, True, right, {"posterior": sure})


@pytest.fixture
def made(tmp_path):
    def make(site, before=None):
        fields = list(composed(np.random.default_rng(1)))
        return fit_site_trust(tmp_path / "trust.json", "2026-11-23", "cnn 1 + strings 1", fields, site, before)

    return make


def test_a_form_with_few_corrections_is_judged_by_composed_fields(made, monkeypatch):
    monkeypatch.setattr(site_trust, "LEAST_OF_SITE", 60)
    few = [("meter", checked(3.0, number % 20 > 0)) for number in range(59)]
    assert made(few).group("meter", FieldKind.COMB).form is None
    trust = made([*few, ("meter", checked(4.0, True))])
    assert trust.group("meter", FieldKind.COMB).form == "meter"
    assert trust.group("order", FieldKind.COMB).form is None
    assert made(few, trust).group("meter", FieldKind.COMB).form == "meter"


def test_few_corrections_are_enough_where_they_break_what_composed_fields_promise(made):
    wrong = [("meter", checked(9.0, number % 3 > 0)) for number in range(60)]
    assert made(wrong).group("meter", FieldKind.COMB).form == "meter"
    assert made([("meter", checked(9.0, True)) for _ in range(60)]).group("meter", FieldKind.COMB).form is None


def test_a_site_that_is_harder_than_composed_fields_gets_stricter_thresholds(made):
    rng = np.random.default_rng(2)
    surenesses = rng.normal(3, 2, 1200)
    hard = [("meter", checked(float(sure), bool(rng.random() < 1 / (1 + np.exp(1.5 - sure))))) for sure in surenesses]
    trust = made(hard)
    assert trust.confidence("meter", FieldKind.COMB, {"posterior": 3.0}) < trust.confidence(
        "order", FieldKind.COMB, {"posterior": 3.0}
    )


def test_without_wrong_composed_fields_the_weights_of_before_are_taken(made, tmp_path):
    before = made([])
    fields = [CheckedField(kind, 0.5, True, True, {"posterior": 3.0}) for kind in FieldKind for _ in range(30)]
    after = fit_site_trust(tmp_path / "new.json", "2026-11-23", "cnn 2 + strings 2", fields, [], before)
    assert after.calibrations == before.calibrations
    assert isinstance(after.calibrations[FieldKind.COMB], Calibration)


def test_what_thresholds_let_through_is_counted(made):
    trust = made([])
    sure = [Compared(lesson(f"s{number}"), reading("42"), reading("42", 0.9999)) for number in range(30)]
    wrong = [Compared(lesson("w"), reading("42"), reading("47", 0.9999))]
    flagged = [Compared(lesson("f"), reading("42"), reading("47", 0.9999, reasons=("not_a_digit",)))]
    doubtful = [Compared(lesson("d"), reading("42"), reading("47", 0.02))]
    (honesty,) = honesty_of([*sure, *wrong, *flagged, *doubtful], trust, [0.05])
    assert (honesty.seen.wrong, honesty.seen.answered) == (1, 31)
