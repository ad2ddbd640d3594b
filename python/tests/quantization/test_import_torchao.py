"""torchao is imported only by processes that need it, and the noise that it makes then is not reported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import torch

from tests.models import write_adapter, write_model
from tests.proof.tiny_models import tiny_model

_LOOK = """
import json, sys
from falcon_exp.worker.trial import preload
assert preload.failure is None, preload.failure
from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.trial.library_warnings import collect_library_warnings
from falcon_exp.worker.trial.loading import load
from tests.conftest import configuration

notices = collect_library_warnings()
there = []
for quantization in ("none", "int8", "torchao-int8"):
    loaded = load(configuration(quantization, model=json.loads(sys.argv[1])), Devices.open())
    there.append("torchao" in sys.modules)
print(json.dumps({
    "there": there,
    "share": loaded.measurement["proof"]["matrix_weights_quantized_share"],
    "notices": [notice["text"] for notice in notices.listed()],
}))
"""


def test_torchao_is_imported_by_a_configuration_that_needs_it_and_by_no_other_and_without_a_word(
    tmp_path: Path,
) -> None:
    base = write_model(tmp_path / "base", tiny_model("llama")["config"], dtype=torch.bfloat16)
    adapter = write_adapter(tmp_path / "adapter", base, rank=4, target_modules=["q_proj"])
    model = {
        "source": "adapted",
        "base": {"source": "path", "path": str(base)},
        "adapter": str(adapter),
        "merged": False,
    }
    done = subprocess.run(
        [sys.executable, "-c", _LOOK, json.dumps(model)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["there"] == [False, False, True]
    assert told["share"] == 1
    heard = done.stderr + "\n".join(told["notices"])
    assert "torchao" not in heard
    assert "register_constant" not in heard
