#!/usr/bin/env bash
# Every C, C++ and CUDA file is as clang-format leaves it. 77 (skipped) where clang-format 14 is not there: other
# versions format differently.
set -eu
cd "$1"
tool=$(command -v clang-format-14 || command -v clang-format || true)
if [ -z "$tool" ] || ! "$tool" --version | grep -q 'version 14'; then
    echo "skipped: clang-format 14 is not installed"
    exit 77
fi
find src tests -regex '.*\.\(c\|h\|cu\|cuh\|cpp\|hpp\)' -print0 | xargs -0 "$tool" --dry-run --Werror
echo "format: ok"
