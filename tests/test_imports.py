"""What each package loads, seen in a fresh process: reading a page must cost neither TensorFlow nor Prefect."""

import subprocess
import sys

import pytest

HEAVY = ("tensorflow", "keras", "prefect", "sqlalchemy", "cv2", "skimage", "ai_edge_litert", "matplotlib")
ALLOWED = {
    "forms.form_file": set(),
    "preprocessing.registration": {"cv2", "skimage"},
    "mnist_model.classifier": {"ai_edge_litert"},
    "mnist_model.strings.reader": {"ai_edge_litert"},
    "reading.pipeline": {"cv2", "skimage", "ai_edge_litert"},
    "ledger.ledger": {"cv2", "skimage", "ai_edge_litert", "sqlalchemy"},
    "flows.cli": set(),
    "flows.batches.page_reading": {"cv2", "skimage", "ai_edge_litert"},
    "flows.batches.digitizing": {"cv2", "skimage", "ai_edge_litert", "sqlalchemy"},
}


@pytest.mark.parametrize(("module", "allowed"), ALLOWED.items(), ids=ALLOWED)
def test_a_module_loads_only_what_it_needs(module, allowed):
    program = f"import sys, {module}; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= allowed
