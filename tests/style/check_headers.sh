#!/usr/bin/env bash
# Every header compiles alone.
set -eu
cd "$1"
cc=${CC:-cc}
bad=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for header in $(cd src && find . -name '*.h' | sed 's|^\./||'); do
    case $header in *_body.h|*_kernel.h) continue ;; esac # templates, included many times
    grep -q -e '<hdf5' -e 'store/h5.h' "src/$header" && continue # needs HDF5's own flags
    printf '#include "%s"\nint mds_header_alone;\n' "$header" >"$tmp/t.c"
    $cc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -Isrc -fsyntax-only "$tmp/t.c" || {
        echo "src/$header does not compile alone"
        bad=1
    }
done
[ "$bad" -eq 0 ] && echo "headers: ok"
exit "$bad"
