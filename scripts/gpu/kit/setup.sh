#!/bin/sh
# Sets this kit up on a GPU machine, without a network:
#
#   sh setup.sh [--python PYTHON] [--into FOLDER]
#
# PYTHON (default python3) must hold torch built for the GPU, transformers and accelerate, and be of the version that the
# kit was made for. Nothing is installed into it: a virtual environment in FOLDER (default: installed, beside this file)
# sees its libraries and gets what it lacks. Then:
#
#   . FOLDER/env.sh
#   check-gpu
#   bench-gpu --save gpu.json
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=python3
into=$here/installed
while [ $# -gt 0 ]; do
  case $1 in
    --python) python=$2 ;;
    --into) into=$2 ;;
    *)
      echo "setup.sh takes --python PYTHON and --into FOLDER, not $1" >&2
      exit 2
      ;;
  esac
  shift 2
done
mkdir -p "$into/bin"
into=$(cd "$into" && pwd)

tar -xzf "$here"/node/*.tgz -C "$into" package/bin/node
mv "$into/package/bin/node" "$into/bin/node"
rm -r "$into/package"

where='import importlib.util, pathlib; print(pathlib.Path(importlib.util.find_spec("torch").origin).parents[1])'
if ! libraries=$("$python" -c "$where" 2> "$into/python.log"); then
  echo "setup.sh: torch was not found with $python ($into/python.log)" >&2
  exit 1
fi
"$python" -m venv --without-pip "$into/venv"
own=$("$into/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
printf '%s\n' "$libraries" > "$own/libraries_of_the_machine.pth"
"$python" -m pip --python "$into/venv/bin/python" install --quiet --disable-pip-version-check \
  --no-index --no-deps --no-compile --ignore-installed "$here"/wheels/*.whl

for program in check-gpu:scripts/check-gpu.mjs bench-gpu:bench/gpu.mjs falcon-exp:bin/falcon-exp.js; do
  file=$into/bin/${program%%:*}
  printf '#!/bin/sh\nexec "%s/bin/node" "%s/tree/%s" "$@"\n' "$into" "$here" "${program#*:}" > "$file"
  chmod +x "$file"
done
cat > "$into/env.sh" <<END
export PATH="$into/bin:\$PATH"
export FALCON_EXP_PYTHON="$into/venv/bin/python"
export FALCON_EXP_HOME="$into/home"
export HF_HUB_OFFLINE=1
END

found=$(PYTHONPATH=$here/tree/python "$into/venv/bin/python" -m falcon_exp.worker.check_environment)
echo "$found"
case $found in
  *'"problems": []'*) ;;
  *)
    echo "setup.sh: $python does not hold what the worker needs (problems, above)" >&2
    exit 1
    ;;
esac
echo "ready: . $into/env.sh, then check-gpu and bench-gpu"
