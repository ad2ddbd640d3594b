"""Every failure has a code that says what to do: foreign exceptions are classified, and real causes are provoked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import BitsAndBytesConfig
from transformers.integrations.bitsandbytes import Bnb4bitQuantize
from transformers.quantizers.quantizer_bnb_4bit import Bnb4BitHfQuantizer

from falcon_exp.worker.devices.devices import Devices
from falcon_exp.worker.failures import WorkerError, classify, error_body
from falcon_exp.worker.trial import child_main, preload
from falcon_exp.worker.trial.loading import load
from falcon_exp.worker.trial.preflight import check_dtype
from tests.conftest import configuration, trial
from tests.driver import WorkerDriver


def named(name: str, message: str, base: type[Exception] = Exception) -> Exception:
    """An exception whose class has the name of a library's class."""
    error: Exception = type(name, (base,), {})(message)
    return error


@pytest.mark.parametrize(
    ("error", "phase", "code"),
    [
        (named("OutOfMemoryError", "CUDA out of memory", RuntimeError), "measure", "out-of-memory-device"),
        (RuntimeError("CUDA error: out of memory"), "load", "out-of-memory-device"),
        (RuntimeError("CUDA driver error: out of memory"), "quality", "out-of-memory-device"),
        (RuntimeError("HIP out of memory. Tried to allocate 2.00 GiB"), "measure", "out-of-memory-device"),
        (RuntimeError("HIP error: out of memory"), "measure", "out-of-memory-device"),
        (RuntimeError("hipErrorOutOfMemory"), "load", "out-of-memory-device"),
        (
            RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
            "warmup",
            "out-of-memory-device",
        ),
        (RuntimeError("HIPBLAS_STATUS_ALLOC_FAILED"), "measure", "out-of-memory-device"),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), "measure", "out-of-memory-device"),
        (
            RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
            "measure",
            "out-of-memory-device",
        ),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9.04 GB)"), "load", "out-of-memory-device"),
        (RuntimeError("Invalid buffer size: 18.50 GiB"), "load", "out-of-memory-device"),
        (
            RuntimeError("level_zero backend failed: UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY"),
            "load",
            "out-of-memory-device",
        ),
        (RuntimeError("UR_RESULT_ERROR_OUT_OF_HOST_MEMORY"), "load", "out-of-memory-host"),
        (
            RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED"),
            "measure",
            "out-of-memory-host",
        ),
        (
            named("AcceleratorError", "CUDA error: device-side assert triggered", RuntimeError),
            "measure",
            "device-fault",
        ),
        (
            named("AcceleratorError", "CUDA error: an illegal memory access was encountered", RuntimeError),
            "quality",
            "device-fault",
        ),
        (RuntimeError("CUDA error: misaligned address"), "measure", "device-fault"),
        (RuntimeError("CUDA error: unspecified launch failure"), "profile", "device-fault"),
        (RuntimeError("HIP error: an illegal memory access was encountered"), "measure", "device-fault"),
        (RuntimeError("CUDA error: uncorrectable ECC error encountered"), "quality", "device-lost"),
        (RuntimeError("CUDA error: no CUDA-capable device is detected"), "load", "device-lost"),
        (RuntimeError("HIP error: no ROCm-capable device is detected"), "load", "device-lost"),
        (RuntimeError("level_zero backend failed with error: 20 (UR_RESULT_ERROR_DEVICE_LOST)"), "load", "device-lost"),
        (named("NVMLError_GpuIsLost", "GPU is lost"), "measure", "device-lost"),
        (
            named("AcceleratorError", "CUDA error: CUDA-capable device(s) is/are busy or unavailable", RuntimeError),
            "load",
            "device-busy",
        ),
        (RuntimeError("CUDA error: all CUDA-capable devices are busy or unavailable"), "load", "device-busy"),
        (
            RuntimeError("CUDA error: no kernel image is available for execution on the device"),
            "load",
            "device-unsupported",
        ),
        (RuntimeError("HIP error: invalid device function"), "load", "device-unsupported"),
        (RuntimeError("No CUDA GPUs are available"), "load", "device-unavailable"),
        (RuntimeError("Cannot re-initialize CUDA in forked subprocess. To use CUDA with"), "load", "fork-poisoned"),
        (RuntimeError("the reference is lost"), "measure", "worker-exception"),
        (MemoryError(), "load", "out-of-memory-host"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "measure", "out-of-memory-host"),
        (named("GatedRepoError", "401"), "load", "model-gated"),
        (named("RepositoryNotFoundError", "404"), "load", "model-not-found"),
        (OSError("x is not a local folder and is not a valid model identifier"), "load", "model-not-found"),
        (OSError("We couldn't connect to the hub"), "load", "hub-unreachable"),
        (ConnectionError("refused"), "load", "hub-unreachable"),
        (named("SafetensorError", "invalid header"), "load", "model-corrupt"),
        (ValueError("set trust_remote_code=True"), "load", "remote-code-refused"),
        (ImportError("FlashAttention2 has been toggled on"), "load", "attention-unavailable"),
        (ImportError("No module named 'x'"), "load", "import-failed"),
        (ValueError("model_kwargs are not used: ['x']"), "measure", "generation-invalid"),
        (ValueError("model_kwargs are not used: ['x']"), "load", "worker-exception"),
        (KeyError("x"), "measure", "worker-exception"),
        (WorkerError("prompt-too-long", "long"), "measure", "prompt-too-long"),
    ],
)
def test_a_foreign_exception_gets_the_code_of_its_cause(error: BaseException, phase: str, code: str) -> None:
    assert classify(error, phase)[0] == code


def test_the_cause_behind_an_exception_counts() -> None:
    outer = RuntimeError("loading failed")
    outer.__cause__ = named("SafetensorError", "header too small")
    assert classify(outer, "load")[0] == "model-corrupt"


def test_memory_that_ran_out_counts_before_what_followed_from_it() -> None:
    outer = ImportError("the fallback is not installed")
    outer.__context__ = named("OutOfMemoryError", "CUDA out of memory", RuntimeError)
    assert classify(outer, "load")[0] == "out-of-memory-device"


def failing_conversion(error: Exception) -> Callable[..., Any]:
    def convert(*_: Any, **__: Any) -> Any:
        raise error

    return convert


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), "out-of-memory-device"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"), "out-of-memory-device"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 9 bytes"), "out-of-memory-host"),
        (torch.AcceleratorError("CUDA error: device-side assert triggered\nCompile with"), "device-fault"),
        (KeyError("a defect"), "worker-exception"),
    ],
)
def test_what_the_conversion_of_weights_hides_is_named(
    monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    monkeypatch.setattr(Bnb4bitQuantize, "convert", failing_conversion(error))
    with pytest.raises(RuntimeError, match="issues during automatic conversion") as caught:
        load(configuration("fp4"), Devices.open())
    body = error_body(caught.value, "load")
    assert body["code"] == code
    # Whatever the code, the record holds the cause that the library only logged.
    assert str(error.args[0]).splitlines()[0] in str(body["traceback"])


def test_a_quantized_model_that_the_gpu_has_no_room_for_ran_out_of_memory() -> None:
    quantizer = Bnb4BitHfQuantizer(BitsAndBytesConfig(load_in_4bit=True))
    with pytest.raises(ValueError, match="dispatched") as caught:
        quantizer.validate_environment(device_map={"model.layers.0": 0, "model.layers.1": "cpu"})
    assert classify(caught.value, "load")[0] == "out-of-memory-device"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), "out-of-memory-device"),
        (torch.AcceleratorError("CUDA error: CUDA-capable device(s) is/are busy or unavailable"), "device-busy"),
        (RuntimeError("CUDA error: no CUDA-capable device is detected"), "device-lost"),
        (NotImplementedError("\"addmm_impl_cpu_\" not implemented for 'Float8_e4m3fn'"), "dtype-unsupported"),
    ],
)
def test_a_full_or_busy_device_is_not_taken_for_a_dtype_that_it_cannot_compute_in(
    monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    def to(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(torch.nn.Linear, "to", to)
    with pytest.raises((RuntimeError, WorkerError)) as caught:
        check_dtype("bfloat16", torch.device("cpu"), "cpu")
    assert classify(caught.value, "load")[0] == code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (torch.AcceleratorError("CUDA error: CUDA-capable device(s) is/are busy or unavailable"), "device-busy"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 MiB."), "out-of-memory-device"),
        (OSError("libcudart.so: cannot open shared object file"), "import-failed"),
    ],
)
def test_a_device_that_refuses_an_import_is_not_taken_for_a_broken_library(
    monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    def finish_imports() -> None:
        raise error

    monkeypatch.setattr(preload, "finish_imports", finish_imports)
    body = child_main._finish_imports()
    assert body is not None
    assert (body["code"], body["phase"]) == (code, "load")


def test_an_expected_failure_has_no_traceback_and_a_surprise_has() -> None:
    assert error_body(WorkerError("prompt-too-long", "long"), "measure")["traceback"] is None
    assert "KeyError" in str(error_body(KeyError("x"), "measure")["traceback"])


def from_path(path: Path, **changes: Any) -> Any:
    return configuration(model={"source": "path", "path": str(path)}, **changes)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"dtype": "float8_e4m3fn"}, "dtype-unsupported"),
        ({"device": "cuda:99"}, "device-unavailable"),
        ({"attention": "flash_attention_2"}, "attention-unavailable"),
        ({"model": {"source": "path", "path": "/no/such/folder"}}, "model-not-found"),
        ({"model": {"source": "builtin", "name": "x", "path": None}}, "model-not-found"),
    ],
)
def test_what_cannot_run_here_is_refused_with_its_code(shared_worker: WorkerDriver, changes: Any, code: str) -> None:
    error = shared_worker.error("load", {"configuration": configuration(**changes)})
    assert (error["code"], error["phase"]) == (code, "load")


def truncate_weights(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])


def only_pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def without_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def nonsense_config(folder: Path) -> None:
    (folder / "config.json").write_text("{nonsense", "utf-8")


def unknown_architecture(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"model_type": "no-such-model"}), "utf-8")


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (truncate_weights, "model-corrupt"),
        (only_pickle, "model-unsafe-format"),
        (without_config, "model-not-found"),
        (nonsense_config, "model-corrupt"),
        (unknown_architecture, "model-architecture-unknown"),
    ],
)
def test_a_damaged_model_folder_is_refused_with_its_code(
    shared_worker: WorkerDriver, whole: Path, tmp_path: Path, damage: Callable[[Path], None], code: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(whole, folder)
    damage(folder)
    error = shared_worker.error("load", {"configuration": from_path(folder)})
    assert error["code"] == code, error["message"]


def test_a_prompt_beyond_the_context_is_refused_before_measuring_and_the_process_lives(
    shared_worker: WorkerDriver,
) -> None:
    shared_worker.ok("load", {"configuration": configuration()})
    error = shared_worker.error("generate", trial("long " * 100))
    assert error["code"] == "prompt-too-long"
    assert "128" in error["message"]
    shared_worker.ok("generate", trial())
    shared_worker.ok("unload")


def test_max_length_counts_the_prompt(shared_worker: WorkerDriver) -> None:
    shared_worker.ok("load", {"configuration": configuration()})
    limits: Any = {"max_new_tokens": None, "min_new_tokens": None}
    measured = shared_worker.ok("generate", trial("abcd", max_length=20, **limits))["measurement"]
    assert measured["input_tokens"] + measured["output_tokens"] <= 20
    assert shared_worker.error("generate", trial("abcd", max_length=4, **limits))["code"] == "prompt-too-long"
    shared_worker.ok("unload")
