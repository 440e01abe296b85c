#!/usr/bin/env bash
# The whole test suite, from a fresh machine: installs what is missing, builds with warnings as errors,
# runs every test; the unit tests under AddressSanitizer and UBSan, with the kernels on the CUDA shim; some of
# these in other orders of threads, and with every access watched for races; the CUDA build with nvcc where there is one; and the coverage of src/.
#   scripts/test.sh            everything
#   scripts/test.sh quick      the first build and its tests only
set -eu
cd "$(dirname "$0")/.."
. scripts/env.sh

scripts/install-deps.sh test

build_and_test() { # folder, ctest arguments after --, cmake arguments before; $targets: not all
    local folder=$1 cmake_args=() ctest_args=()
    shift
    while [ $# -gt 0 ] && [ "$1" != -- ]; do cmake_args+=("$1"); shift; done
    shift
    ctest_args=("$@")
    echo "== $folder: cmake ${cmake_args[*]}"
    cmake -B "$folder" -S . "${cmake_args[@]}" >"$folder.log" 2>&1 || { cat "$folder.log"; exit 1; }
    # shellcheck disable=SC2086 # a list
    cmake --build "$folder" -j "$jobs" ${targets:+--target $targets} >"$folder.log" 2>&1 ||
        { tail -n 60 "$folder.log"; exit 1; }
    rm -f "$folder.log"
    ctest --test-dir "$folder" --output-on-failure -j "$jobs" "${ctest_args[@]}"
}

# Lines and functions of src/ that the tests ran, and the files that lag. Processes that were killed on
# purpose leave no counts, so the worker's share is under-counted.
report_coverage() {
    echo "== coverage of src/"
    if ! command -v lcov >/dev/null; then
        echo "not reported: lcov is not installed"
        return
    fi
    local all=build-coverage/coverage.info
    lcov -q -c -d build-coverage/src --base-directory src --no-external -o "$all" 2>/dev/null
    lcov -q -e "$all" '*/src/*' -o "$all"
    lcov --summary "$all" 2>&1 | grep -E 'lines|functions'
    lcov --list "$all" | awk -F'|' '/\.[ch] / && $2 + 0 < 80 {print "  below 80 %:", $1, $2}'
}

# Compiles and links with nvcc, for one architecture; without a GPU the tests of kernels are skipped.
test_nvcc() {
    if ! scripts/install-cuda.sh; then
        echo "== build-cuda: left out, there is no nvcc here"
        return
    fi
    targets="mdsweep gpu_tests" build_and_test build-cuda -DMDSWEEP_CUDA=ON -DMDSWEEP_WERROR=ON \
        -DMDSWEEP_CUDA_ARCHITECTURES=90 -- -L '^gpu$'
}

# Whether results depend on which thread goes first, and whether two touch the same memory unordered: for
# the lists and steps that every model needs (docs/cuda-shim.md has how to do it for all; a minute here).
test_kernel_order() { # the folder of the shim's build with sanitizers
    echo "== $1: kernels in other orders"
    MDS_SHIM_CHECK=order ctest --test-dir "$1" --output-on-failure -j "$jobs" \
        -R '^gpu\.(md\.neighbor|protocol\.steps)$'
    targets="gpu.md.neighbor gpu.md.neighbor_bins" build_and_test build-races -DMDSWEEP_CUDA=SHIM \
        -DMDSWEEP_SHIM_RACES=ON -DMDSWEEP_WERROR=ON -- -R '^gpu\.md\.'
}

if [ "${1:-all}" != quick ]; then
    test_nvcc
    build_and_test build-sanitize -DMDSWEEP_CUDA=SHIM -DMDSWEEP_SANITIZE=address,undefined \
        -DMDSWEEP_WERROR=ON -- -L '^(unit|gpu)$'
    test_kernel_order build-sanitize
    build_and_test build-coverage -DMDSWEEP_COVERAGE=ON -- -L '^(unit|mpi|golden)$'
    report_coverage
fi
# Last, so that its closing line speaks for the run.
build_and_test build -DMDSWEEP_CUDA=OFF -DMDSWEEP_WERROR=ON --
