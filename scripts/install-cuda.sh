#!/usr/bin/env bash
# Where there is no nvcc: the CUDA 13.0 compiler, runtime, cuBLAS and NVTX from NVIDIA's wheels on PyPI, 0.5 GB,
# into .cuda/ beside this script's folder. No root, and nothing outside that folder; no driver and no GPU
# are needed to compile. Does nothing where nvcc is on PATH, under /usr/local/cuda or in .cuda already.
#   scripts/install-cuda.sh && cmake -B build -S . -DCMAKE_CUDA_COMPILER=$PWD/.cuda/bin/nvcc
set -eu
cd "$(dirname "$0")/.."
to=.cuda

for nvcc in "$(command -v nvcc || true)" /usr/local/cuda/bin/nvcc "$to/bin/nvcc"; do
    if [ -n "$nvcc" ] && [ -x "$nvcc" ]; then exit 0; fi
done
if ! python3 -m pip --version >/dev/null 2>&1; then
    echo "scripts/install-cuda.sh: no nvcc here, and no pip to fetch it with" >&2
    exit 1
fi

parts=$(mktemp -d)
trap 'rm -rf "$parts"' EXIT
echo "scripts/install-cuda.sh: fetching nvcc 13.0 into $to" >&2
if ! python3 -m pip download -q --no-deps --only-binary :all: -d "$parts" nvidia-cuda-nvcc==13.0.88 \
        nvidia-cuda-crt==13.0.88 nvidia-nvvm==13.0.88 'nvidia-cuda-runtime==13.0.*' \
        'nvidia-cuda-cccl==13.0.*' nvidia-cublas==13.0.2.14 'nvidia-nvtx==13.0.*' \
        'nvidia-cuda-profiler-api==13.0.*' 2>"$parts/log"; then
    tail -n 3 "$parts/log" >&2
    echo "scripts/install-cuda.sh: no nvcc here, and PyPI did not give it (above)" >&2
    exit 1
fi
for wheel in "$parts"/*.whl; do
    python3 -m zipfile -e "$wheel" "$parts/all"
done
rm -rf "${to:?}"
mv "$parts/all/nvidia/cu13" "$to"
chmod -R u+x "$to/bin" "$to/nvvm/bin"
ln -sfn lib "$to/lib64"
for library in cudart cublas cublasLt; do
    ln -sfn "lib$library.so.13" "$to/lib/lib$library.so"
done
"$to/bin/nvcc" --version | tail -n 2 >&2
