"""The documents: their code compiles, their links lead somewhere, and they name what there is."""
import os
import re
import shutil
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "mpi"))

from harness import SOURCE, Case, main

FLAGS = ("-std=gnu11 -D_GNU_SOURCE -fsyntax-only -Wall -Wextra -Wpedantic -Wshadow "
         "-Wstrict-prototypes -Wpointer-arith -Wvla -Werror").split()


def pages():
    for folder in (".", "docs"):
        for name in sorted(os.listdir(os.path.join(SOURCE, folder))):
            if name.endswith(".md"):
                yield os.path.normpath(os.path.join(folder, name))


def read(path):
    with open(os.path.join(SOURCE, path)) as file:
        return file.read()


class Docs(Case):
    @unittest.skipUnless(shutil.which("cc"), "no C compiler")
    def test_whole_files_in_the_pages_compile(self):
        count = 0
        for page in pages():
            files = re.findall(r"^`([\w/.]+\.[ch])`:\n\n```c\n(.*?)^```$", read(page),
                               re.MULTILINE | re.DOTALL)
            for path, text in files:
                target = self.path(path)
                os.makedirs(os.path.dirname(target), exist_ok=True)
                with open(target, "w") as file:
                    file.write(text)
            for path, _ in files:
                if not path.endswith(".c"):
                    continue
                done = subprocess.run(["cc", *FLAGS, "-I" + self.path("src"),
                                       "-I" + os.path.join(SOURCE, "src"),
                                       "-I" + os.path.join(SOURCE, "tests"), self.path(path)],
                                      stderr=subprocess.PIPE, text=True)
                self.assertEqual(done.returncode, 0, f"{page}: {path}\n{done.stderr}")
                count += 1
        self.assertGreaterEqual(count, 4)

    def test_links(self):
        broken = []
        for page in pages():
            text = re.sub(r"```.*?```", "", read(page), flags=re.DOTALL)
            for link in re.findall(r"\]\(([^)\s]+)\)", text):
                if re.match(r"\w+:", link):
                    continue
                path, _, anchor = link.partition("#")
                target = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
                if not os.path.exists(os.path.join(SOURCE, target)):
                    broken.append(f"{page}: {link}")
                elif anchor:
                    heads = [re.sub(r"[^\w -]", "", h).strip().lower().replace(" ", "-")
                             for h in re.findall(r"^#+ (.*)$", read(target), re.MULTILINE)]
                    if anchor not in heads:
                        broken.append(f"{page}: {link} (no such heading)")
        self.assertEqual(broken, [])

    def test_layers_of_the_table_are_those_of_the_check(self):
        rule = read("tests/style/check_layers.sh")
        level = dict(re.findall(r"\[(\w+)\]=(\d)", rule))
        table = re.findall(r"^\| (\d) \| (.*?) \|", read("docs/architecture.md"), re.MULTILINE)
        named = {name: number for number, names in table for name in re.findall(r"`(\w+)`", names)}
        self.assertEqual(named, level)


if __name__ == "__main__":
    main()
