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

if [ "${1:-all}" != quick ]; then
    build_and_test build-sanitize -DMDSWEEP_SANITIZE=address,undefined -DMDSWEEP_WERROR=ON -- \
        -L '^unit$'
    build_and_test build-coverage -DMDSWEEP_COVERAGE=ON -- -L '^(unit|mpi|golden)$'
    report_coverage
fi
# Last, so that its closing line speaks for the run.
build_and_test build -DMDSWEEP_WERROR=ON --
