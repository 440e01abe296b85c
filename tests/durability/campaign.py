#!/usr/bin/env python3
"""Kills small sweeps at random and checks that nothing finished is ever lost.

    tests/durability/campaign.py --rounds 200 --seed 1 [--jobs 3] [--round K] [--markdown FILE]

One round: a small sweep on 1 to 4 ranks; somewhere between its start and its end one signal goes to
one process or to all; then
  the run ends by itself within a limit and leaves no process behind,
  there is no results file, or h5py opens it; `report` and `status` read it,
  every DONE case is whole: all its rows there and finite, its statistics NumPy's of those rows,
      its energies bit for bit those of an undisturbed run; no other state holds impossible numbers,
  `--resume` on another number of ranks completes it; DONE cases did not run again, and the end equals
      the undisturbed run, case by case and bit by bit.
Some rounds start from a finished part of the sweep (so that the file is rebuilt, larger, when the
signal comes), and some are hit again while they resume. Round K of seed S is always the same plan;
--round K runs it alone. The program is $MDSWEEP (default build/mdsweep). Exit 1 when a round failed.
"""
import argparse
import collections
import concurrent.futures
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "mpi"))
from harness import (DONE, FAILED, PENDING, RUNNING, SKIPPED, column, h5py, mdsweep, np,  # noqa: E402
                     series)
from processes import Launch, wait_until  # noqa: E402

END_S = 60       # a run that was hit must have ended by then (the drain of a short case included)
RESUME_S = 120
SERIES = ("energy_potential_eV", "energy_kinetic_eV", "conserved_eV", "temperature_K", "pressure_GPa")

# Axes, steps, models beyond the built-in ones (pause per step in us). About 0.3 to 2 s on two ranks.
STUDIES = {
    "plain": ('systems = ["silicon", "copper"]; sizes = [32, 64]; protocols = ["nve", "nvt"]; '
              'models = ["reference", "null"];', 120, {}),
    "slow": ('systems = ["silicon"]; sizes = [32, 64]; protocols = ["nve"]; '
             'models = ["slow", "reference"]; repeats = 2;', 60, {"slow": 5000}),
    "many": ('systems = ["copper"]; sizes = [32]; protocols = ["nve", "nvt", "npt"]; '
             'models = ["null", "brief"]; repeats = 6;', 20, {"brief": 1000}),
    "long": ('systems = ["water"]; sizes = [96]; protocols = ["nve"]; models = ["slow", "null"]; '
             'repeats = 2;', 400, {"slow": 2500}),
}
VICTIMS = {"rank": 3, "rank 0": 3, "ranks": 3, "everyone": 3, "mpirun": 2, "worker": 1, "server": 1}
SIGNALS = {"KILL": 4, "TERM": 2, "USR1": 2, "SEGV": 1, "ABRT": 1}


class Wrong(Exception):
    """Something that must not happen did."""


def check(condition, text, *detail):
    if not condition:
        raise Wrong(" ".join([text, *map(str, detail)]))


class Study:
    """A sweep, and what an undisturbed run of it gives."""

    def __init__(self, name, folder):
        self.name = name
        self.folder = folder
        self.path = self.write(folder, "whole.h5")
        start = time.monotonic()
        run = Launch(self.path, "-q", ranks=2)
        check(run.wait(RESUME_S) == 0, f"the undisturbed run of '{name}' failed:", run.err)
        self.seconds = time.monotonic() - start
        self.want = read(os.path.join(folder, "whole.h5"))
        check(all(c.status == DONE for c in self.want.values()), "not all cases were done")

    def write(self, folder, output):
        axes, steps, models = STUDIES[self.name]
        more = " ".join(f'{n}: {{ engine = "fault"; kind = "sleep"; at_step = 0; sleep_us = {us}; }};'
                        for n, us in models.items())
        path = os.path.join(folder, f"{self.name}.cfg")
        with open(path, "w") as file:
            file.write(f'sweep: {{ name = "{self.name}"; {axes} }};\n'
                       f"run: {{ steps = {steps}; warmup = 5; component_steps = 5; "
                       f"equilibration = 10; timeout_s = 30.0; device = \"cpu\"; }};\n"
                       f"models: {{ {more} }};\n"
                       f'output: {{ file = "{os.path.join(folder, output)}"; }};\n')
        return path


CaseState = collections.namedtuple("CaseState", "status attempt t_start steps physics")


def check_statistics(file, i):
    """The numbers of a DONE case against NumPy's of its own rows."""
    flags = series(file, i, "flags")
    wall = series(file, i, "wall_s")
    check((wall > 0).all() and np.isfinite(wall).all(), f"row {i}: a step without its time")
    steady = wall[(flags & 3) == 0]
    check(len(steady) == file["cases/steps"][i], f"row {i}: {len(steady)} steady steps")
    for name, want in (("mean", steady.mean()), ("median", np.median(steady)),
                       ("p95", np.percentile(steady, 95)), ("max", steady.max())):
        got = file["cases"][f"latency_{name}_s"][i]
        check(abs(got - want) <= 1e-9 * abs(want), f"row {i}: latency_{name}_s is {got}, not {want}")
    step = series(file, i, "step_s", "components")
    check(len(step) > 0 and (step > 0).all(), f"row {i}: components are missing")


def read(path):
    """key -> CaseState, after checking that every row is possible."""
    found = {}
    with h5py.File(path, "r") as file:
        check(file.attrs["schema_name"] == b"mdsweep-results", "schema_name")
        cases = file["cases"]
        status, done, count = cases["status"][:], cases["steps_done"][:], cases["step_count"][:]
        for i, key in enumerate(column(file, "key")):
            check(status[i] in (PENDING, RUNNING, DONE, FAILED), f"row {i}: status {status[i]}")
            check(0 <= done[i] <= count[i], f"row {i}: {done[i]} of {count[i]} rows")
            if status[i] == DONE:
                check(done[i] == count[i], f"row {i}: DONE with {done[i]} of {count[i]} rows")
                check(cases["components_done"][i] == cases["component_count"][i], f"row {i}: components")
                check(cases["memory_done"][i] == cases["memory_count"][i], f"row {i}: memory")
                check_statistics(file, i)
            physics = tuple(series(file, i, name).tobytes() for name in SERIES)
            check(all(len(p) == 8 * done[i] for p in physics), f"row {i}: length of its series")
            if status[i] == DONE:
                check(all(np.isfinite(np.frombuffer(p)).all() for p in physics), f"row {i}: not finite")
            found[key] = CaseState(int(status[i]), int(cases["attempt"][i]),
                                   float(cases["t_start"][i]), int(done[i]), physics)
    return found


def check_against(want, got, whole):
    if whole:
        check(set(want) == set(got), "other cases than the undisturbed run")
    for key, case in got.items():
        check(key in want, "a case that was never asked for", key)
        if case.status == DONE:
            check(case.physics == want[key].physics, f"case {key}: other energies")
        else:  # the samples that reached the file are the beginning of the trajectory
            for mine, theirs in zip(case.physics, want[key].physics):
                check(theirs.startswith(mine), f"case {key}: other energies in an unfinished case")


Plan = collections.namedtuple(
    "Plan", "number study ranks then launcher part moment fraction victim signal again")


def plan_round(seed, number):
    rng = random.Random(f"{seed}/{number}")
    ranks = rng.randint(1, 4)
    return Plan(number=number, study=rng.choice(sorted(STUDIES)), ranks=ranks,
                then=rng.randint(1, 4), launcher=ranks > 1 or rng.random() < 0.5,
                part=rng.random() < 0.25,
                moment=rng.choices(("start", "creation", "work", "end"), (1, 3, 5, 1))[0],
                fraction=rng.random(), victim=rng.choices(*zip(*VICTIMS.items()))[0],
                signal=rng.choices(*zip(*SIGNALS.items()))[0], again=rng.random() < 0.2)


def wait_for_moment(run, plan, path, study):
    """Sleeps until the signal is due; the run may have ended by itself before."""
    lock = path + ".lock"
    if plan.moment == "start":
        time.sleep(0.6 * plan.fraction)
        return
    if plan.moment == "creation":  # the lock is taken just before: then it is a matter of ms
        before = os.stat(lock).st_ino if os.path.exists(lock) else None
        if before is not None:  # the lock is an old one: the temporary file tells
            wait_until(lambda: os.path.exists(path + ".tmp") or not run.running(), 20, 0.0002)
        else:
            wait_until(lambda: os.path.exists(lock) or not run.running(), 20, 0.0002)
        time.sleep(0.03 * plan.fraction)
        return
    if not wait_until(lambda: os.path.exists(path) or not run.running(), 20, 0.002):
        return
    if plan.moment == "work":
        time.sleep(study.seconds * 2 / plan.ranks * plan.fraction)
        return

    def all_done():
        if not run.running():
            return True
        try:
            with h5py.File(path, "r") as file:
                return (file["cases/status"][:] == DONE).all()
        except OSError:
            return False

    wait_until(all_done, 30, 0.005)
    time.sleep(0.06 * plan.fraction)


def hit(run, plan):
    """Sends the signal; returns how many processes got it."""
    ranks = run.ranks()
    group = {"rank": ranks[-1:], "rank 0": ranks[:1], "worker": run.workers()[-1:],
             "server": run.servers()[-1:], "mpirun": [run.process.pid], "ranks": ranks,
             "everyone": run.everyone()}[plan.victim]
    group = group or [run.process.pid]
    run.kill(group, getattr(signal, "SIG" + plan.signal))
    return len(group)


def disturb(plan, study, config, path, ranks, resume):
    """Starts, hits, waits, and checks what is left; the states found, or None without a file."""
    before = read(path) if os.path.exists(path) else {}
    run = Launch(config, "-q", *(["--resume"] if resume else []),
                 ranks=ranks if plan.launcher else None)
    try:
        wait_for_moment(run, plan, path, study)
        ended = not run.running()
        if not ended:
            hit(run, plan)
        code = run.wait(END_S)
        check(code is not None, f"the run did not end within {END_S} s")
        left = run.left_behind()
        check(not left, "processes were left behind:", len(left))
    finally:
        run.left_behind(0)
    if not os.path.exists(path):
        check(not before, "the file has gone")
        check(code != 0, "exit 0 without a file")
        return None, code, ended
    after = read(path)
    check_against(study.want, after, False)
    for key, case in before.items():
        if case.status == DONE:
            check(after[key] == case, f"case {key} was done and has changed")
    for command in ("report", "status"):
        result = mdsweep(command, path, timeout=30)
        check(result.code == 0, f"{command} failed:", result.err)
    statuses = collections.Counter(case.status for case in after.values())
    if code == 0:
        check(set(statuses) == {DONE}, "exit 0, but not all is done:", dict(statuses))
    if code == 75:
        check(RUNNING not in statuses, "exit 75, but a case is RUNNING")
        check("--resume" in run.err, "exit 75 without a word on how to go on:", run.err)
    if statuses[FAILED]:
        check(plan.victim in ("worker", "server", "everyone"), "a case FAILED:", run.err)
    return after, code, ended


def finish(plan, study, config, path, before):
    """Resumes until all is done and compares with the undisturbed run."""
    retry = any(c.status == FAILED for c in (before or {}).values())
    run = Launch(config, "-q", "--resume", *(["--retry", "failed"] if retry else []),
                 ranks=plan.then)
    try:
        code = run.wait(RESUME_S)
        check(code is not None, f"the resumed run did not end within {RESUME_S} s")
        check(code == 0, f"the resumed run: exit {code}:", run.err)
    finally:
        left = run.left_behind()
    check(not left, "the resumed run left processes behind")
    after = read(path)
    check_against(study.want, after, True)
    check(all(c.status == DONE for c in after.values()), "not all is done after resuming")
    for key, case in (before or {}).items():
        if case.status == DONE:
            check(after[key] == case, f"case {key} was done and ran again")
    check(not os.path.exists(path + ".tmp"), "a temporary file was left")


class Studies:
    """Undisturbed runs, made when first asked for."""

    def __init__(self, folder):
        self.folder, self.made, self.lock = folder, {}, threading.Lock()

    def get(self, name):
        with self.lock:
            if name not in self.made:
                folder = os.path.join(self.folder, name)
                os.mkdir(folder)
                self.made[name] = Study(name, folder)
            return self.made[name]


def run_round(plan, studies, base):
    """(plan, outcome, detail): outcome is a short word, detail what was wrong or None."""
    study = studies.get(plan.study)
    folder = tempfile.mkdtemp(prefix=f"round{plan.number}-", dir=base)
    path = os.path.join(folder, "r.h5")
    outcome = {"kills": 0, "done": 0, "of": len(study.want), "file": False, "missed": False, "code": ""}
    try:
        config = study.write(folder, "r.h5")
        if plan.part:
            part = "repeat == 0" if "repeats" in STUDIES[plan.study][0] else "model == null"
            result = mdsweep(config, "-q", "--filter", part, np=2, timeout=RESUME_S)
            check(result.code == 0, "the first part failed:", result.err)
        states, code, missed = disturb(plan, study, config, path, plan.ranks, plan.part)
        outcome.update(kills=int(not missed), missed=missed, code=code, file=states is not None,
                       done=sum(c.status == DONE for c in (states or {}).values()))
        if plan.again:
            states, _, missed = disturb(plan, study, config, path, plan.then, True)
            outcome["kills"] += int(not missed)
        finish(plan, study, config, path, states)
        shutil.rmtree(folder, ignore_errors=True)
        return plan, outcome, None
    except (Wrong, subprocess.TimeoutExpired, OSError, KeyError, ValueError) as error:
        return plan, outcome, f"{type(error).__name__}: {error} (kept in {folder})"


def table(results):
    """Rounds by victim and signal: how often, with a file, cases done when the signal came."""
    lines = ["| to | signal | rounds | file absent | file whole | done / cases at that time | wrong |",
             "|---|---|---|---|---|---|---|"]
    groups = collections.defaultdict(list)
    for plan, outcome, wrong in results:
        groups[plan.victim, plan.signal].append((outcome, wrong))
    for (victim, number), rows in sorted(groups.items()):
        lines.append(f"| {victim} | {number} | {len(rows)} "
                     f"| {sum(not o['file'] for o, _ in rows)} | {sum(o['file'] for o, _ in rows)} "
                     f"| {sum(o['done'] for o, _ in rows)} / {sum(o['of'] for o, _ in rows)} "
                     f"| {sum(w is not None for _, w in rows)} |")
    moments = collections.Counter(p.moment for p, _, _ in results)
    kills = sum(o["kills"] for _, o, _ in results)
    lines += ["", f"{len(results)} rounds, {kills} signals that met a living run; when: "
              + ", ".join(f"{m} {n}" for m, n in sorted(moments.items()))
              + f"; from a part that was done before: {sum(p.part for p, _, _ in results)}"
              + f"; hit again while resuming: {sum(p.again for p, _, _ in results)}; ranks 1 to 4: "
              + ", ".join(str(sum(p.ranks == n for p, _, _ in results)) for n in range(1, 5)) + "."]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--jobs", type=int, default=3, help="rounds at the same time")
    parser.add_argument("--round", type=int, help="this one alone")
    parser.add_argument("--markdown", help="write the table to this file")
    args = parser.parse_args()
    numbers = [args.round] if args.round is not None else range(args.rounds)
    plans = [plan_round(args.seed, n) for n in numbers]
    base = tempfile.mkdtemp(prefix="mdsweep-campaign-")
    start = time.monotonic()
    print(f"seed {args.seed}, {len(plans)} rounds, {args.jobs} at a time", flush=True)
    studies, results = Studies(base), []
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for plan, outcome, wrong in pool.map(lambda p: run_round(p, studies, base), plans):
            results.append((plan, outcome, wrong))
            print(f"{plan.number:4d} {plan.study:6s} {plan.ranks} ranks "
                  f"{'part ' if plan.part else ''}{plan.moment} {plan.fraction:.2f}: "
                  f"{plan.signal} to {plan.victim}{' twice' if plan.again else ''}: "
                  + ("WRONG: " + wrong if wrong else
                     f"exit {outcome['code']}, {outcome['done']} of {outcome['of']} done"
                     + ("" if outcome["file"] else ", no file")), flush=True)
    wrong = [(p, w) for p, _, w in results if w]
    text = table(results)
    print(text)
    print(f"{time.monotonic() - start:.0f} s, {len(wrong)} wrong, seed {args.seed}")
    if args.markdown:
        with open(args.markdown, "w") as file:
            file.write(text + "\n")
    for plan, why in wrong:
        print(f"round {plan.number} (--seed {args.seed} --round {plan.number}): {why}", file=sys.stderr)
    if not wrong:
        shutil.rmtree(base, ignore_errors=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
