#!/usr/bin/env bash
# From a fresh machine to the tables: installs what is missing, builds, runs configs/quick.cfg on two
# ranks. Arguments are handed to mdsweep (scripts/demo.sh --set run.steps=500).
set -eu
cd "$(dirname "$0")/.."
. scripts/env.sh

scripts/install-deps.sh run
if ! { cmake -B build -S . -DMDSWEEP_TESTS=OFF && cmake --build build -j "$jobs"; } >build.log 2>&1; then
    tail -n 30 build.log >&2
    echo "scripts/demo.sh: the build failed; the whole log is in build.log" >&2
    exit 1
fi
rm -f build.log
exec mpirun -np 2 build/mdsweep configs/quick.cfg -o results/quick.h5 --force "$@"
