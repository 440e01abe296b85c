"""Starting a run in the background and finding its processes, by number and never by name alone."""
import os
import signal
import subprocess
import time

from harness import MDSWEEP, environment


def _stat(pid):
    """(command name, state, parent) or None when it has gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            text = file.read()
    except OSError:
        return None
    name, rest = text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2:].split()
    return name, rest[0], int(rest[1])


def alive(pid):
    facts = _stat(pid)
    return facts is not None and facts[1] not in "ZX"


def descendants(root):
    """pid -> (command name, parent) of everything below `root`, zombies left out."""
    table = {}
    for entry in os.listdir("/proc"):
        facts = _stat(entry) if entry.isdigit() else None
        if facts and facts[1] not in "ZX":
            table[int(entry)] = (facts[0], facts[2])
    found, new = {}, [root]
    while new:
        parent = new.pop()
        for pid, (name, its_parent) in table.items():
            if its_parent == parent and pid not in found:
                found[pid] = (name, parent)
                new.append(pid)
    return found


def holding(text):
    """Processes whose command line or environment has `text`: what a run may have left behind."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid() or not alive(int(entry)):
            continue
        for part in ("cmdline", "environ"):
            try:
                with open(f"/proc/{entry}/{part}", "rb") as file:
                    if text.encode() in file.read():
                        found.append(int(entry))
                        break
            except OSError:
                pass
    return found


def wait_until(condition, seconds, pause=0.01):
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        value = condition()
        if value:
            return value
        time.sleep(pause)
    return condition()


class Launch:
    """`mdsweep *args` on `ranks` ranks; its processes carry `mark` in their environment."""

    def __init__(self, *args, ranks=None, mark="", env=None, cwd=None, launcher=()):
        self.mark = f"MDSWEEP_TEST_MARK={mark or os.urandom(8).hex()}"
        extra = dict(env or {}, MDSWEEP_TEST_MARK=self.mark.partition("=")[2])
        command = [MDSWEEP, *map(str, args)]
        if ranks is not None:
            command = ["mpirun", "--bind-to", "none", *launcher, "-np", str(ranks), *command]
        self.under_mpirun = ranks is not None
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, cwd=cwd,
                                        env=environment(**extra), start_new_session=True)
        self.out = self.err = ""
        self.code = None

    def _named(self, name):
        return sorted(p for p, (n, _) in descendants(self.process.pid).items() if n == name)

    def ranks(self):
        """In the order of their numbers."""
        program = os.path.basename(MDSWEEP)
        return self._named(program) if self.under_mpirun else [self.process.pid]

    def servers(self):
        return self._named("mdsweep-server")

    def workers(self):
        return self._named("mdsweep-worker")

    def everyone(self):
        return [self.process.pid, *descendants(self.process.pid)]

    def running(self):
        return self.process.poll() is None

    def kill(self, pids, number=signal.SIGKILL):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def wait(self, seconds):
        """The exit code, negative for a signal; None and everything killed when it took longer."""
        hung = False
        try:
            self.out, self.err = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            hung = True
            self.kill(self.everyone())
            self.out, self.err = self.process.communicate()
        self.code = None if hung else self.process.returncode
        return self.code

    def own_lines(self):
        return [line for line in self.err.splitlines() if line.startswith("mdsweep: ")]

    def errors(self):
        prefix = "mdsweep: error: "
        return [line[len(prefix):] for line in self.own_lines() if line.startswith(prefix)]

    def left_behind(self, seconds=10):
        """Processes of this run that are still there `seconds` after its end; they are killed."""
        wait_until(lambda: not holding(self.mark), seconds, 0.05)
        left = holding(self.mark)
        self.kill(left)
        return left
