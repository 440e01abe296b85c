#!/usr/bin/env bash
# What only a GPU can show, within about 8 minutes: builds for the GPU that is here, runs the tests of
# kernels on it, the program, the benchmarks, the tests again under compute-sanitizer (memcheck, racecheck),
# and prints one table. Each part has a limit of its own, and what fails or hangs costs its own row only.
#   tests/gpu/run_all.sh [seconds [folder]]      480; $OUT, or build-gpu/report
# In the folder: table.txt (all of what is printed), facts.txt, bench-*.txt, quick.json, logs.tar.gz. On a machine
# without network: fill .debs with shared/tools/gather-debs.sh elsewhere first; a file COMMIT in the root
# says what this is where there is no .git. MDSWEEP_CUDA_KIND=SHIM tries the script itself without a GPU.
# Exit: 0 all well, 1 something failed, 77 nothing could be tested here (it says why).
set -u
cd "$(dirname "$0")/../.." || exit 1
budget=${1:-480}
kind=${MDSWEEP_CUDA_KIND:-ON}
build=${MDSWEEP_GPU_BUILD:-build-gpu}
out=${2:-${OUT:-$build/report}}
bad=0

left() { echo $((budget - SECONDS)); }
give_up() { echo "tests/gpu/run_all.sh: $1"; exit 77; }

command -v nvidia-smi >/dev/null || give_up "no GPU here (no nvidia-smi)"
timeout 30 nvidia-smi -L >/dev/null 2>&1 || give_up "no GPU here ($(timeout 30 nvidia-smi -L 2>&1 | head -n 1))"
if [ "$kind" = ON ]; then
    [ -d /usr/local/cuda/bin ] && PATH=/usr/local/cuda/bin:$PATH
    [ -d .cuda/bin ] && PATH=$PATH:$PWD/.cuda/bin
    timeout 120 scripts/install-cuda.sh || give_up "no nvcc here"
fi
if [ -f .debs/unpack-debs.sh ]; then
    prefix=/opt/debs
    [ -w /opt ] || prefix=$PWD/build-debs
    bash .debs/unpack-debs.sh .debs "$prefix" && . "$prefix/env.sh"
fi
. scripts/env.sh
# Libraries of numbers would start a thread per core in each of the tests that run side by side.
export OPENBLAS_NUM_THREADS=2
logs=$build/logs
rm -rf "$logs"
mkdir -p "$out" "$logs" || give_up "cannot write to $out"
out=$(cd "$out" && pwd)
: >"$out/table.txt"
say() { printf '%s\n' "$*" | tee -a "$out/table.txt"; }
row() { say "$(printf '%-34s %-9s %5s s  %s' "$1" "$2" "$3" "$4")"; }

# run NAME SECONDS COMMAND...: in the background or not; leaves NAME.log and NAME.rc ("code seconds").
run() {
    local name=$1 limit=$2 from=$SECONDS rc
    shift 2
    [ "$limit" -gt "$(left)" ] && limit=$(left)
    if [ "$limit" -lt 3 ]; then
        echo "no 0" >"$logs/$name.rc"
        return 0
    fi
    timeout -k 5 "$limit" "$@" >"$logs/$name.log" 2>&1 </dev/null
    rc=$?
    echo "$rc $((SECONDS - from))" >"$logs/$name.rc"
    return $rc
}

# tell NAME: its row. 77 is "skipped", 124 and 137 ran out of time.
tell() {
    local rc seconds log=$logs/$1.log why=""
    read -r rc seconds <"$logs/$1.rc" 2>/dev/null || { rc=lost; seconds=0; }
    case $rc in
    0) row "$1" ok "$seconds" "" ;;
    77) row "$1" skipped "$seconds" "$(tail -n 1 "$log" | cut -c1-70)" ;;
    no) row "$1" "no time" 0 "" ;;
    *)
        [ "$rc" = 124 ] || [ "$rc" = 137 ] && why="ran out of time; "
        why=$why$(grep -m 1 -iE 'error|FAILED|invalid|hazard|assert|signal' "$log" 2>/dev/null | cut -c1-70)
        row "$1" FAILED "$seconds" "$why"
        bad=1
        ;;
    esac
}

alone() { run "$@"; tell "$1"; }

# several AT-ONCE SECONDS PREFIX... -- FILES: each file as a command behind the prefix words, side by side.
several() {
    local width=$1 limit=$2 label=$3 names=() name
    shift 3
    local prefix=()
    while [ "$1" != -- ]; do prefix+=("$1"); shift; done
    shift
    for file in "$@"; do
        name=$label$(basename "$file")
        names+=("$name")
        while [ "$(jobs -rp | wc -l)" -ge "$width" ]; do wait -n; done
        run "$name" "$limit" ${prefix[@]+"${prefix[@]}"} "$file" &
    done
    wait
    for name in ${names[@]+"${names[@]}"}; do tell "$name"; done
}

facts() {
    if [ -f COMMIT ]; then echo "commit:   $(head -n 1 COMMIT)"
    else echo "commit:   $(git describe --always --dirty 2>/dev/null || echo unknown)"; fi
    echo "date:     $(date -u '+%F %H:%M') UTC on $(nproc) cores, $(grep -m 1 'model name' /proc/cpuinfo | cut -d: -f2-)"
    echo "GPU:      $(nvidia-smi --query-gpu=name,driver_version,compute_cap,clocks.max.sm,clocks.max.mem,memory.total,power.limit,mig.mode.current \
        --format=csv,noheader 2>&1 | head -n 4 | paste -sd';')"
    echo "CUDA:     driver for $(nvidia-smi 2>/dev/null | grep -o 'CUDA Version: *[0-9.]*' | head -n 1)," \
        "$(nvcc --version 2>/dev/null | grep -o 'release.*' || echo 'no nvcc')"
    echo "others:   $(nvidia-smi --query-compute-apps=pid,used_memory --format=csv,noheader 2>/dev/null | wc -l) processes on it"
}
facts 2>&1 | tee "$out/facts.txt" | tee -a "$out/table.txt"

cc=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader -i 0 2>/dev/null | tr -dc '0-9')
alone configure 60 cmake -G "Unix Makefiles" -B "$build" -S . -DMDSWEEP_CUDA="$kind" -DMDSWEEP_CUDA_ARCHITECTURES="${cc:-90}"
# Whatever does not compile leaves the rest to be run.
MAKEFLAGS="" alone build 240 cmake --build "$build" -j "$jobs" --target mdsweep gpu_benches gpu_tests -- -k
grep -E 'spill|warning' "$logs/build.log" | sort -u | head -n 5 | while read -r line; do say "    $line"; done
[ -x "$build/mdsweep" ] && "$build/mdsweep" --version >>"$out/facts.txt"

# Side by side, unless the GPU takes one process only.
width=4
nvidia-smi --query-gpu=compute_mode --format=csv,noheader -i 0 2>/dev/null | grep -qi exclusive && width=1

shopt -s nullglob
tests=("$build"/tests/gpu.*)
several "$width" 90 "" -- ${tests[@]+"${tests[@]}"}

# What the program says of a whole small sweep, and what its own profiling costs. One at a time from here.
bench() { # NAME SECONDS PROGRAM ARGUMENTS...
    [ -x "$3" ] || return 0
    alone "$@"
    cp "$logs/$1.log" "$out/$1.txt" 2>/dev/null
}
if [ -x "$build/mdsweep" ]; then
    alone quick 60 "$build/mdsweep" configs/quick.cfg --device cuda --force --set "output.file=$build/quick.h5"
    "$build/mdsweep" report "$build/quick.h5" --format json >"$out/quick.json" 2>/dev/null || rm -f "$out/quick.json"
fi
bench bench-models 100 "$build/tests/bench_gpu_models" cuda:0 "${MDSWEEP_BENCH_STEPS:-500}"
bench bench-against-cpu 60 "$build/tests/bench_gpu_against_cpu" cuda:0
bench bench-profiling-64 40 "$build/tests/bench_profiling" 64 15 "${MDSWEEP_PAIR_STEPS:-5000}" cuda:0
bench bench-profiling-1000 40 "$build/tests/bench_profiling" 1000 9 "${MDSWEEP_PAIR_STEPS:-5000}" cuda:0

# Last, because it takes whatever time there is. Faults of our own making are not for it.
sanitizer=$(command -v compute-sanitizer || true)
sane=()
for t in ${tests[@]+"${tests[@]}"}; do [[ $t == *fault* ]] || sane+=("$t"); done
for tool in memcheck racecheck; do
    if [ -z "$sanitizer" ]; then
        row "compute-sanitizer $tool" skipped 0 "compute-sanitizer is not installed"
    else
        several "$width" 90 "$tool-" "$sanitizer" --tool "$tool" --error-exitcode 9 --print-limit 20 -- \
            ${sane[@]+"${sane[@]}"}
    fi
done

for file in "$out"/bench-*.txt; do
    say ""
    say "-- $(basename "$file" .txt)"
    tee -a "$out/table.txt" <"$file"
done
say "$SECONDS s in all"
tar -czf "$out/logs.tar.gz" -C "$build" logs
exit "$bad"
