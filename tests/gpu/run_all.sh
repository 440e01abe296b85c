#!/usr/bin/env bash
# What only a GPU can show, within about 8 minutes: builds for the GPU that is here, runs the tests of
# kernels on it, again under compute-sanitizer (memcheck, racecheck), then the GPU benchmarks, and prints
# one table. Logs and the table go to $OUT, or build-gpu/report.
#   tests/gpu/run_all.sh [seconds]        480 unless told
# Exit: 0 all well, 1 something failed, 77 nothing could be tested here (it says why).
# A machine without a package registry: fill .debs with shared/tools/gather-debs.sh elsewhere first.
set -u
cd "$(dirname "$0")/../.."
budget=${1:-480}
build=build-gpu
out=${OUT:-$build/report}
rows=()
bad=0

left() { echo $((budget - SECONDS)); }
row() { rows+=("$(printf '%-34s %-9s %6s s  %s' "$1" "$2" "$3" "$4")"); }
give_up() { echo "tests/gpu/run_all.sh: $1"; exit 77; }

command -v nvidia-smi >/dev/null || give_up "no GPU here (no nvidia-smi)"
nvidia-smi -L >/dev/null 2>&1 || give_up "no GPU here ($(nvidia-smi -L 2>&1 | head -n 1))"
[ -d /usr/local/cuda/bin ] && PATH=$PATH:/usr/local/cuda/bin
scripts/install-cuda.sh || give_up "no nvcc here"

if [ -f .debs/unpack-debs.sh ]; then
    prefix=/opt/debs
    [ -w /opt ] || prefix=$PWD/build-debs
    bash .debs/unpack-debs.sh .debs "$prefix" && . "$prefix/env.sh"
fi
. scripts/env.sh
mkdir -p "$out"
jobs=${MDSWEEP_JOBS:-$(nproc)}

# step NAME LOG COMMAND...: a row with its outcome; 77 is "skipped", 124 ran out of time.
step() {
    local name=$1 log=$out/$2 from=$SECONDS rc
    shift 2
    if [ "$(left)" -lt 5 ]; then
        row "$name" "no time" 0 ""
        return 0
    fi
    timeout "$(left)" "$@" >"$log" 2>&1
    rc=$?
    case $rc in
    0) row "$name" ok $((SECONDS - from)) "" ;;
    77) row "$name" skipped $((SECONDS - from)) "$(tail -n 1 "$log" | cut -c1-60)" ;;
    124) row "$name" "no time" $((SECONDS - from)) "" ;;
    *) row "$name" FAILED $((SECONDS - from)) "$log"; bad=1 ;;
    esac
    return $rc
}

cc=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader -i 0 | tr -d '. ')
step configure configure.log cmake -B "$build" -S . -DMDSWEEP_CUDA=ON \
    -DMDSWEEP_CUDA_ARCHITECTURES="${cc:-90}" &&
    step build build.log cmake --build "$build" -j "$jobs" --target gpu_tests mdsweep gpu_benches
if [ "$bad" -eq 0 ]; then
    tests=("$build"/tests/gpu.*)
    for t in "${tests[@]}"; do
        step "$(basename "$t")" "$(basename "$t").log" "$t"
    done
    sanitizer=$(command -v compute-sanitizer || true)
    for tool in memcheck racecheck; do
        if [ -z "$sanitizer" ]; then
            row "compute-sanitizer $tool" skipped 0 "compute-sanitizer is not installed"
            continue
        fi
        for t in "${tests[@]}"; do # faults of our own making are not for it
            case $t in *fault*) continue ;; esac
            step "$tool $(basename "$t")" "$tool.$(basename "$t").log" \
                "$sanitizer" --tool "$tool" --error-exitcode 9 --print-limit 20 "$t"
        done
    done
    for b in "$build"/tests/bench_gpu*; do
        [ -x "$b" ] && step "$(basename "$b")" "$(basename "$b").log" "$b"
    done
fi

{
    nvidia-smi --query-gpu=name,driver_version,clocks.max.sm,memory.total --format=csv,noheader
    [ -x "$build/mdsweep" ] && "$build/mdsweep" --version
    printf '%s\n' "${rows[@]}"
    for log in "$out"/bench_gpu*.log; do
        [ -f "$log" ] && { echo "-- $(basename "$log" .log)"; cat "$log"; }
    done
    echo "$SECONDS s in all"
} | tee "$out/table.txt"
exit "$bad"
