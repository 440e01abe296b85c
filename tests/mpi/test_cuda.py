"""The whole program on CUDA devices, as far as no hardware is needed: a build with the shim (MDSWEEP_CUDA=SHIM)
runs its kernels on the host, has as many devices as MDS_SHIM_DEVICES says, and faults on demand."""
import os
import stat
import sys
import unittest

from harness import (Case, DONE, FAILED, MDSWEEP, PENDING, column, h5py, main, mdsweep, np, series,
                     steady)

if "CUDA:     shim" not in mdsweep("--version").out:
    print("skipped: not a build with the shim")
    sys.exit(77)

SHORT = "steps = 24; warmup = 4; component_steps = 2; equilibration = 0;"


def words(file, name):
    return [v.decode() for v in file["provenance/ranks"][name][:]]


class Cuda(Case):
    def small(self, models='"null"', repeats=1, run=SHORT, more="", sizes="32"):
        return self.config(f'systems = ["silicon"]; sizes = [{sizes}]; protocols = ["nve"]; '
                           f'models = [{models}]; repeats = {repeats};', run=run, more=more)

    def cuda(self, config, *args, **kwargs):
        return mdsweep(config, "--force", "--device", "cuda", *args, **kwargs)


class Binding(Cuda):
    def test_each_rank_has_its_own_device(self):
        run = self.cuda(self.small(repeats=6), np=2)
        self.assertEqual(run.code, 0, run.err)
        with h5py.File(self.path("test.h5"), "r") as file:
            self.assertEqual(words(file, "device"), ["cuda:0", "cuda:1"])
            uuids = words(file, "device_uuid")
            self.assertEqual(len(set(uuids)), 2, uuids)
            self.assertTrue(all(u.startswith("GPU-") for u in uuids), uuids)
            self.assertEqual(words(file, "device_sharing"), ["", ""])
            self.assertEqual(words(file, "device_allocator"), ["pool", "pool"])
            self.assertTrue((file["provenance/ranks/device_memory_bytes"][:] > 0).all())
            for rank, device in zip(column(file, "rank"), column(file, "device")):
                self.assertEqual(device, f"cuda:{rank}")

    def test_two_ranks_on_one_gpu_are_refused_or_recorded(self):
        config = self.small(repeats=4)
        run = self.cuda(config, np=3)
        self.assertEqual(run.code, 1)
        said = "\n".join(run.errors())
        for part in ("ranks 0, 2", "GPU-", os.uname().nodename, "--oversubscribe"):
            self.assertIn(part, said)
        self.assertFalse(os.path.exists(self.path("test.h5")))
        run = self.cuda(config, "--oversubscribe", np=3)
        self.assertEqual(run.code, 0, run.err)
        with h5py.File(self.path("test.h5"), "r") as file:
            self.assertEqual(words(file, "device_sharing"),
                             ["oversubscribed by 2 ranks", "", "oversubscribed by 2 ranks"])
            for rank, sharing in zip(column(file, "rank"), column(file, "device_sharing")):
                self.assertEqual(sharing, "" if rank == 1 else "oversubscribed by 2 ranks")

    def test_one_visible_device_per_rank(self):
        """As srun --gpus-per-task=1 leaves it: every rank sees a cuda:0, which is another one."""
        wrapper = self.write("one.sh", '#!/bin/sh\nCUDA_VISIBLE_DEVICES=$OMPI_COMM_WORLD_LOCAL_RANK '
                                       f'exec {os.path.abspath(MDSWEEP)} "$@"\n')
        os.chmod(wrapper, stat.S_IRWXU)
        import harness
        program, harness.MDSWEEP = harness.MDSWEEP, wrapper
        try:
            run = self.cuda(self.small(repeats=4), np=2)
        finally:
            harness.MDSWEEP = program
        self.assertEqual(run.code, 0, run.err)
        with h5py.File(self.path("test.h5"), "r") as file:
            self.assertEqual(words(file, "device"), ["cuda:0", "cuda:0"])
            self.assertEqual(len(set(words(file, "device_uuid"))), 2)

    def test_without_a_gpu(self):
        config, env = self.small(), {"MDS_SHIM_DEVICES": "0"}
        run = mdsweep(config, "--device", "auto", np=2, env=env)
        self.assertEqual(run.code, 0, run.err)
        self.assertIn("running on the CPU", run.err)
        with h5py.File(self.path("test.h5"), "r") as file:
            self.assertEqual(words(file, "device"), ["cpu", "cpu"])
        run = self.cuda(config, np=2, env=env)
        self.assertEqual(run.code, 1)
        self.assertIn("no GPU is visible", run.err)
        self.assertIn(os.uname().nodename, run.err)

    def test_a_device_by_number_or_uuid(self):
        config = self.small()
        for word, device in (("cuda:1", "cuda:1"), ("auto", "cuda:0")):
            run = mdsweep(config, "--force", "--device", word)
            self.assertEqual(run.code, 0, run.err)
            with h5py.File(self.path("test.h5"), "r") as file:
                self.assertEqual(column(file, "device"), [device])
        run = mdsweep(config, "--force", "--device", "cuda:7")
        self.assertEqual(run.code, 1)
        self.assertIn("2 visible", run.err)

    def test_list_devices(self):
        alone = mdsweep("list", "devices")
        for part in ("cuda:0", "cuda:1", "GPU-", "MHz", "driver", "number k gets cuda:k"):
            self.assertIn(part, alone.out)
        ranks = [line for line in mdsweep("list", "devices", np=3).out.splitlines() if ", CPUs " in line]
        self.assertEqual(len(ranks), 3)
        self.assertIn("cuda:1", ranks[1])
        self.assertIn("oversubscribed by 2 ranks", ranks[2])
        none = mdsweep("list", "devices", env={"MDS_SHIM_DEVICES": "0"})
        self.assertIn("no GPU is visible", none.out)
        self.assertEqual(none.code, 0)


class Timing(Cuda):
    def test_the_clocks(self):
        """In sync mode the events lie inside the host's bracket, so that the host can never see less than they do
        but for the resolution of the event clock, half a microsecond."""
        for timing, by_events in (("sync", 0), ("event", 1)):
            with self.subTest(timing=timing):
                run = self.cuda(self.small('"reference"', run=SHORT + f'timing = "{timing}";'))
                self.assertEqual(run.code, 0, run.err)
                with h5py.File(self.path("test.h5"), "r") as file:
                    wall, device = steady(file, 0, "wall_s"), steady(file, 0, "device_s")
                    self.assertEqual(len(wall), 24)
                    self.assertTrue((device > 0).all())
                    self.assertEqual(file["cases/device_clock"][0], by_events)
                    np.testing.assert_allclose(file["cases/latency_median_s"][0],
                                               np.median(device if by_events else wall), rtol=1e-12)
                    if timing == "sync":
                        self.assertTrue((device <= wall + 5e-7).all(), (device - wall).max())
                    # The first two steps with a virial run kernel by kernel and are recorded.
                    flags = series(file, 0, "flags")
                    np.testing.assert_array_equal((flags & 32) != 0, np.arange(len(flags)) < 2)

    def test_off_times_the_loop_alone(self):
        run = self.cuda(self.small('"reference"', run=SHORT + 'timing = "off";'))
        self.assertEqual(run.code, 0, run.err)
        with h5py.File(self.path("test.h5"), "r") as file:
            self.assertEqual(len(steady(file, 0, "wall_s")), 0)
            self.assertGreater(file["cases/latency_mean_s"][0], 0)

    def test_the_same_physics_as_on_the_cpu_and_on_any_number_of_ranks(self):
        config = self.config('systems = ["silicon"]; sizes = [32]; protocols = ["nve", "nvt", "npt"]; '
                             'models = ["reference"]; repeats = 1;', run=SHORT)
        energies = {}
        for name, args, ranks in (("cpu", ("--device", "cpu"), 1), ("one", ("--device", "cuda"), 1),
                                  ("two", ("--device", "cuda"), 2)):
            run = mdsweep(config, "--force", *args, np=ranks)
            self.assertEqual(run.code, 0, run.err)
            with h5py.File(self.path("test.h5"), "r") as file:
                energies[name] = np.array([[steady(file, i, key) for key in
                                            ("conserved_eV", "energy_kinetic_eV", "volume_A3",
                                             "pressure_GPa", "n_edges")] for i in range(3)])
        np.testing.assert_array_equal(energies["one"], energies["two"])
        # Sums in another order, over 29 steps of a chaotic system.
        np.testing.assert_allclose(energies["one"], energies["cpu"], rtol=1e-9, atol=1e-9)

    def test_thermodynamics_every_few_steps(self):
        run = self.cuda(self.small('"reference"', run=SHORT + "energy_every = 5;"))
        self.assertEqual(run.code, 0, run.err)
        with h5py.File(self.path("test.h5"), "r") as file:
            known = np.isfinite(steady(file, 0, "conserved_eV"))
            np.testing.assert_array_equal(np.flatnonzero(known), [0, 5, 10, 15, 20, 23])

    def test_frames(self):
        config = self.config('systems = ["silicon"]; sizes = [32]; protocols = ["npt"]; '
                             'models = ["reference"]; repeats = 1;', run=SHORT)
        frames = {}
        for device in ("cpu", "cuda"):
            run = mdsweep(config, "--force", "--device", device, "--set", "output.trajectory_every=8")
            self.assertEqual(run.code, 0, run.err)
            with h5py.File(self.path("test.h5"), "r") as file:
                group = next(iter(file["trajectories"].values()))["particles/all"]
                frames[device] = (group["position/value"][:], group["box/edges/value"][:])
        self.assertEqual(len(frames["cuda"][0]), 3)
        for got, want in zip(frames["cuda"], frames["cpu"]):
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-8)


# kind: (how the reason begins, what it names)
KINDS = {
    "address": ("cuda: illegal address", "cudaErrorIllegalAddress"),
    "assert": ("cuda: device assert", "cudaErrorAssert"),
    "spin": ("timeout: no step for", "steady step 22"),
    "nan": ("nan: ", "steady step 22"),
    "oom": ("oom: ", "steady step 22"),
    "error": ("error: ", "steady step 22"),
}


class Faults(Cuda):
    def test_each_fault_ends_its_case_alone(self):
        models = " ".join(f'f-{k}: {{ engine = "fault"; kind = "{k}"; at_step = 25; }};' for k in KINDS)
        names = ", ".join(f'"f-{k}"' for k in KINDS) + ', "null"'
        config = self.small(names, run="steps = 60; warmup = 2; component_steps = 2; "
                                       "timeout_s = 3.0; equilibration = 0;",
                            more=f"models: {{ {models} }};")
        for ranks in (1, 2):
            with self.subTest(ranks=ranks):
                run = self.cuda(config, np=ranks)
                self.assertEqual(run.code, 1, run.err)
                with h5py.File(self.path("test.h5"), "r") as file:
                    for i, model in enumerate(column(file, "model")):
                        reason = column(file, "reason")[i]
                        if model == "null":
                            self.assertEqual(column(file, "status")[i], DONE, reason)
                            continue
                        begins, names = KINDS[model[2:]]
                        self.assertEqual(column(file, "status")[i], FAILED, model)
                        self.assertTrue(reason.startswith(begins), reason)
                        self.assertIn(names, reason)
                        # The first step, two of warm-up, and 21 before the fault; of a hang perhaps one less,
                        # because on the shim it is the look for the next event that hangs.
                        self.assertIn(len(series(file, i, "wall_s")),
                                      (23, 24) if model == "f-spin" else (24,), model)

    def test_a_launch_that_fails(self):
        env = {"MDS_SHIM_FAULT": "null_forces:12:launch"}
        run = self.cuda(self.small(), env=env)
        self.assertEqual(run.code, 1, run.err)
        with h5py.File(self.path("test.h5"), "r") as file:
            self.assertTrue(column(file, "reason")[0].startswith("cuda: launch failure"))

    def test_out_of_memory_says_how_much(self):
        config = self.small('"reference"', sizes="32, 8000")
        run = self.cuda(config, env={"MDS_SHIM_MEMORY": "1"})
        self.assertEqual(run.code, 1, run.err)
        with h5py.File(self.path("test.h5"), "r") as file:
            self.assertEqual(list(column(file, "status")), [DONE, FAILED])
            self.assertRegex(column(file, "reason")[1],
                             r"^oom: .*out of memory: [\d.]+ [KM]iB for .* of 1.0 MiB are in use "
                             r"and .* can be had")

    def test_a_leak_on_the_device(self):
        config = self.small('"leaky", "null"', run="steps = 400; warmup = 4; component_steps = 0; "
                                                   "equilibration = 0;",
                            more='models: { leaky: { engine = "fault"; kind = "leak"; leak_bytes = 65536; }; };')
        run = self.cuda(config)
        self.assertEqual(run.code, 0, run.err)
        with h5py.File(self.path("test.h5"), "r") as file:
            for i, model in enumerate(column(file, "model")):
                grown = np.diff(series(file, i, "engine_bytes", "memory"))
                if model == "leaky":
                    self.assertEqual(file["cases/leak"][i], 1.0)
                    self.assertTrue((grown > 0).any())
                else: # its verdict is also about the host, where a sanitizer keeps what was freed
                    self.assertFalse(grown.any())

    def test_a_lost_device_retires_its_rank(self):
        config = self.small(repeats=6)
        env = {"MDS_SHIM_FAULT": "null_forces:12:lost", "MDS_SHIM_FAULT_ONCE": self.path("fired"),
               "MDS_SHIM_LOST": self.path("lost")}
        run = self.cuda(config, np=2, env=env)
        self.assertEqual(run.code, 1, run.err)
        self.assertIn("has lost its device", run.err)
        with h5py.File(self.path("test.h5"), "r") as file:
            status, ranks = column(file, "status"), column(file, "rank")
            self.assertEqual(sorted(status), [DONE] * 5 + [FAILED])
            lost = list(status).index(FAILED)
            self.assertTrue(column(file, "reason")[lost].startswith("device lost: "))
            begun = file["cases/t_start"][:]
            later = [r for r, t in zip(ranks, begun) if t > begun[lost]]
            self.assertNotIn(ranks[lost], later)

    def test_when_all_devices_are_lost_the_rest_is_pending(self):
        config = self.small(repeats=4)
        env = {"MDS_SHIM_FAULT": "null_forces:12:lost", "MDS_SHIM_LOST": self.path("lost")}
        for ranks in (1, 2):
            with self.subTest(ranks=ranks):
                run = self.cuda(config, np=ranks, env=env)
                self.assertEqual(run.code, 1, run.err)
                self.assertIn("no rank has a device any more", run.err)
                with h5py.File(self.path("test.h5"), "r") as file:
                    self.assertEqual(sorted(column(file, "status")),
                                     [PENDING] * (4 - ranks) + [FAILED] * ranks)
                os.remove(self.path("lost"))
        run = mdsweep(config, "--resume", "--retry", "failed", "--device", "cuda", np=2)
        self.assertEqual(run.code, 0, run.err)
        with h5py.File(self.path("test.h5"), "r") as file:
            self.assertEqual(list(column(file, "status")), [DONE] * 4)

    def test_a_device_that_cannot_be_opened_is_lost(self):
        """It is there when the rank looks, and gone when its worker opens it."""
        self.write("lost", "0\n")
        run = self.cuda(self.small(repeats=3), np=2, env={"MDS_SHIM_LOST": self.path("lost")})
        self.assertEqual(run.code, 1, run.err)
        with h5py.File(self.path("test.h5"), "r") as file:
            self.assertEqual(sorted(column(file, "status")), [DONE, DONE, FAILED])
            reason = [r for r in column(file, "reason") if r][0]
            self.assertTrue(reason.startswith("device lost: "), reason)


class Marks(Cuda):
    """--nvtx: what the shim was told by each worker, as a profiler would be."""

    def ranges(self):
        """Lists of (stack of names when a range was opened) by process, and what was left open at its end."""
        opened, stacks = {}, {}
        with open(self.path("marks")) as file:
            for line in file:
                pid, word, *rest = line.rstrip("\n").split(" ", 2)
                stack = stacks.setdefault(pid, [])
                if word == "push":
                    stack.append(rest[0])
                    opened.setdefault(pid, []).append(tuple(stack))
                elif word == "pop":
                    stack.pop()
                else:
                    self.assertIn(word, ("start", "stop"))
        return opened, stacks

    def test_cases_steps_and_components(self):
        run = self.cuda(self.small('"reference"', repeats=3), "--nvtx", np=2,
                        env={"MDS_SHIM_MARKS": self.path("marks")})
        self.assertEqual(run.code, 0, run.err)
        opened, stacks = self.ranges()
        self.assertFalse(any(stacks.values()), stacks)
        every = [stack for part in opened.values() for stack in part]
        self.assertEqual(sorted(stack[0] for stack in every if len(stack) == 1),
                         [f"case silicon/32/nve/reference/r{k}" for k in range(3)])
        steps = [stack for stack in every if len(stack) == 3]
        self.assertEqual(len(steps), 3 * (1 + 4 + 24 + 2))
        self.assertEqual(sum(stack[1] == "steady" for stack in steps), 3 * 24)
        self.assertIn("component forces", {stack[3] for stack in every if len(stack) == 4})

    def test_a_case_killed_by_its_limit(self):
        """Its worker dies within a step; the next one begins anew."""
        config = self.small('"f-spin", "null"', run="steps = 60; warmup = 2; component_steps = 2; "
                                                    "timeout_s = 2.0; equilibration = 0;",
                            more='models: { f-spin: { engine = "fault"; kind = "spin"; at_step = 25; }; };')
        run = self.cuda(config, "--nvtx", env={"MDS_SHIM_MARKS": self.path("marks")})
        self.assertEqual(run.code, 1, run.err)
        opened, stacks = self.ranges()
        left = [stack for stack in stacks.values() if stack]
        self.assertEqual(len(left), 1, stacks)
        self.assertEqual(left[0][0], "case silicon/32/nve/f-spin/r0")
        cases = {stack[0] for part in opened.values() for stack in part if len(stack) == 1}
        self.assertEqual(len(cases), 2)

    def test_nothing_without_the_option(self):
        run = self.cuda(self.small(), env={"MDS_SHIM_MARKS": self.path("marks")})
        self.assertEqual(run.code, 0, run.err)
        self.assertFalse(os.path.exists(self.path("marks")))


if __name__ == "__main__":
    main()
