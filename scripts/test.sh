#!/usr/bin/env bash
# The whole test suite, from a fresh machine: installs what is missing, builds with warnings as errors,
# runs every test; then the unit tests under AddressSanitizer and UBSan, and the coverage of src/.
#   scripts/test.sh            everything
#   scripts/test.sh quick      the first build and its tests only
set -eu
cd "$(dirname "$0")/.."
. scripts/env.sh

scripts/install-deps.sh test

build_and_test() { # folder, ctest arguments after --, cmake arguments before
    local folder=$1 cmake_args=() ctest_args=()
    shift
    while [ $# -gt 0 ] && [ "$1" != -- ]; do cmake_args+=("$1"); shift; done
    shift
    ctest_args=("$@")
    echo "== $folder: cmake ${cmake_args[*]}"
    cmake -B "$folder" -S . "${cmake_args[@]}" >"$folder.log" 2>&1 || { cat "$folder.log"; exit 1; }
    cmake --build "$folder" -j "$jobs" >"$folder.log" 2>&1 || { tail -n 60 "$folder.log"; exit 1; }
    rm -f "$folder.log"
    ctest --test-dir "$folder" --output-on-failure -j "$jobs" "${ctest_args[@]}"
}

if [ "${1:-all}" != quick ]; then
    build_and_test build-sanitize -DMDSWEEP_SANITIZE=address,undefined -DMDSWEEP_WERROR=ON -- \
        -L '^unit$'
    build_and_test build-coverage -DMDSWEEP_COVERAGE=ON -- -L '^(unit|mpi|golden)$'
    if command -v gcovr >/dev/null; then
        echo "== coverage of src/"
        gcovr -r . --object-directory build-coverage -f 'src/' --print-summary 2>/dev/null |
            tail -n 4 || true
    fi
fi
# Last, so that its closing line speaks for the run.
build_and_test build -DMDSWEEP_WERROR=ON --
