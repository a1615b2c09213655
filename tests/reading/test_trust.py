"""The calibration file, what it promises, and what a policy makes of it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from forms.template import Box, Field, FieldKind, FormTemplate
from reading.calibration import Calibration, Rescaling
from reading.checked import KEPT_OF_CALIBRATION, CheckedField, fit_calibration, group_of, is_acceptable, site_group
from reading.policy import MIN_CONFIDENCE, Policy, promising
from reading.readings import Reason, Traits
from reading.trust import NOTHING, Trust, TrustError, TrustGroup, read_trust, tally, write_trust

COMB, FREEHAND = FieldKind.COMB, FieldKind.FREEHAND
CALIBRATIONS = {kind: Calibration(0.5, {"margin": 1.0}) for kind in FieldKind}
GOOD = tuple((round(0.99 - 0.0001 * n, 4), 1, 0) for n in range(2000))
POOR = ((0.9, 1800, 40), (0.5, 100, 60))


def group(form=None, kind=COMB, rows=GOOD, rescaling=None):
    return TrustGroup(form, kind, "checked fields", 2500, rows, rescaling)


def written(path, *groups) -> Trust:
    return write_trust(path / "trust.json", "2026-01-31", "cnn 1", CALIBRATIONS, groups)


def form(**stated) -> FormTemplate:
    box = Box(1, 1, 9, 9)
    fields = (Field("a", COMB, (box,), 1, 1, **stated), Field("b", FREEHAND, (box,), 1, 3))
    return FormTemplate("f", "1", "", 100, 100, 200, fields)


@pytest.fixture
def trust(tmp_path) -> Trust:
    return written(tmp_path, group(), group(kind=FREEHAND, rows=POOR))


def test_a_calibration_survives_its_file(tmp_path):
    made = written(tmp_path, group(), group(kind=FREEHAND, rescaling=Rescaling(0.1, 0.9)))
    assert made.groups[1].rescaling == Rescaling(0.1, 0.9)
    assert made.groups[0].tally == GOOD
    assert made.name.startswith("trust 2026.01.31-")
    assert made.confidence("f", COMB, {"margin": 0.0}) == CALIBRATIONS[COMB].confidence({"margin": 0.0})
    other = written(tmp_path, group(), group(kind=FREEHAND))
    assert other.version != made.version


def test_what_the_fields_are_like_survives_the_file_too(tmp_path):
    signals, traits = {"margin": 1.0}, Traits(0.1234567, 0.2, 0.3, 0.4)
    fields = [CheckedField(COMB, 0.5, True, n > 5, signals, replace(traits, contrast=n / 900)) for n in range(900)]
    made = group_of(fields, CALIBRATIONS[COMB], None, COMB, "fields")
    read = written(tmp_path, made, group(kind=FREEHAND)).groups[0].reference
    assert read == made.reference
    assert (read.fields, len(read.samples["contrast"])) == (900, KEPT_OF_CALIBRATION)
    assert read.samples["not_a_digit"][0] == 0.1235
    assert site_group([replace(one, traits=None) for one in fields], "f", COMB, "", None).reference.samples.keys() == {
        "confidence"
    }
    said = json.loads((tmp_path / "trust.json").read_text())
    for one in said["groups"]:
        del one["reference"]
    (tmp_path / "trust.json").write_text(json.dumps(said))
    assert read_trust(tmp_path / "trust.json").groups[0].reference is None  # as earlier versions wrote it


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda said: said.pop("groups"), "groups"),
        (lambda said: said.update(format=2), "format 2"),
        (lambda said: said["groups"].pop(), "nothing on freehand fields"),
        (lambda said: said["calibrations"]["comb"].pop("weights"), "weights"),
    ],
)
def test_a_damaged_file_is_refused_with_its_place(tmp_path, trust, damage, said):
    file = tmp_path / "trust.json"
    content = json.loads(file.read_text())
    damage(content)
    file.write_text(json.dumps(content))
    with pytest.raises(TrustError, match=said) as error:
        read_trust(file)
    assert str(file) in str(error.value)


def test_no_file_and_no_folder(tmp_path):
    with pytest.raises(TrustError, match="cannot be read"):
        read_trust(tmp_path / "none.json")
    with pytest.raises(TrustError, match="cannot be written"):
        written(tmp_path / "none", group(), group(kind=FREEHAND))


def test_a_form_is_judged_by_its_own_fields_where_there_are_any(tmp_path):
    own = group("f", rows=POOR)
    trust = written(tmp_path, group(), own, group(kind=FREEHAND))
    assert trust.group("f", COMB).form == "f"
    assert trust.group("g", COMB).form is None
    assert trust.promise("f", COMB, 0.01).threshold == NOTHING
    assert trust.promise("g", COMB, 0.01).accepted == 2000


def test_a_promise_is_a_sentence(trust):
    kept = trust.promise("f", COMB, 0.005)
    assert str(kept) == (
        "comb fields: accepts about 80 %, with at most 0.5 % error (95 % confidence, from 2,500 checked fields)"
    )
    assert "takes 2,995 fields without one" in str(trust.promise("f", COMB, 0.001))
    assert "no confidence keeps at most 1 % error" in str(trust.promise("f", FREEHAND, 0.01))


def test_a_rate_that_is_not_supported_flags_everything(trust):
    policy = promising((form(),), trust, 0.001)
    assert [policy.threshold("f", field) for field in form().fields] == [NOTHING, NOTHING]
    assert policy.confidence("f", COMB, 1.0, {"margin": 100.0}) < NOTHING


def test_a_fields_own_rate_stands_above_the_runs(trust):
    strict = form(max_error=0.001)
    policy = promising((strict,), trust, 0.05)
    assert policy.threshold("f", strict.fields[0]) == NOTHING
    assert policy.threshold("f", strict.fields[1]) == 0.9
    by_confidence = promising((strict,), trust, None, 0.3)
    assert [by_confidence.threshold("f", field) for field in strict.fields] == [NOTHING, 0.3]


def test_a_confidence_that_is_asked_for_bounds_every_field(trust):
    lenient = form(max_error=0.05)
    assert promising((lenient,), trust, None, 1.0).threshold("f", lenient.fields[0]) == 1.0


def test_a_larger_rate_never_accepts_less(trust):
    rates = np.geomspace(0.0005, 0.3, 40)
    for kind in FieldKind:
        thresholds = [trust.promise("f", kind, rate).threshold for rate in rates]
        assert thresholds == sorted(thresholds, reverse=True)


def test_without_a_calibration_readers_are_taken_at_their_word():
    policy = Policy()
    assert policy.confidence("f", COMB, 0.7, {}) == 0.7
    assert policy.threshold("f", form().fields[0]) == MIN_CONFIDENCE
    assert policy.describe() == ("accepts from confidence 0.95 on",)


def test_a_policy_says_what_it_promises_once_a_kind(trust):
    assert len(promising((form(), replace(form(), name="g")), trust, 0.01).describe()) == 2


def test_a_tally_counts_each_confidence():
    assert tally([0.5, 0.9, 0.5, 0.9], [True, True, False, True]) == ((0.9, 2, 0), (0.5, 1, 1))
    assert tally([], []) == ()


def test_only_what_could_be_accepted_is_counted_for_a_threshold():
    assert is_acceptable([])
    assert is_acceptable([Reason.LOW_CONFIDENCE])
    assert not is_acceptable([Reason.LOW_CONFIDENCE, Reason.NOT_A_DIGIT])
    fields = [CheckedField(COMB, 0.0, n % 4 > 0, n % 3 > 0, {"margin": float(n % 3)}) for n in range(300)]
    made = group_of(fields, fit_calibration(fields), None, COMB, "drawn fields")
    assert made.fields == 300
    assert sum(right + wrong for _, right, wrong in made.tally) == 225


def test_a_site_has_its_own_scale_and_keeps_the_order():
    rng = np.random.default_rng(1)
    sure = np.round(rng.uniform(0.3, 0.99, 4000), 4)
    fields = [CheckedField(COMB, c, True, bool(rng.random() < c**3)) for c in sure]
    made = site_group(fields, "f", COMB, "checked fields", None)
    levels = np.array(made.tally)
    right = levels[:, 1].sum() / levels[:, 1:].sum()
    assert (levels[:, 0] * levels[:, 1:].sum(axis=1)).sum() / 4000 == pytest.approx(right, abs=0.01)
    assert len(levels) >= 0.5 * len(set(sure))
    assert site_group(fields[:0], "f", COMB, "checked fields", Rescaling(1, 2)).rescaling == Rescaling(1, 2)
