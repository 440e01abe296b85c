#!/usr/bin/env bash
# Installs what mdsweep needs, where apt is there and we may use it; elsewhere says what is needed and
# goes on with what is there.
#   scripts/install-deps.sh [run|test]     test (default) adds what only the tests need
set -eu

kind=${1:-test}
build=(build-essential cmake pkg-config git openmpi-bin libopenmpi-dev libhdf5-openmpi-dev
       libconfig-dev libopenblas-dev libbz2-dev)
tests=(libcmocka-dev hdf5-tools python3-h5py python3-numpy clang-format-14 lcov lammps-data)

packages=("${build[@]}")
[ "$kind" = test ] && packages+=("${tests[@]}")

say_needed() {
    cat >&2 <<'TXT'
mdsweep needs, by Debian name (Spack name):
  a C11 compiler, cmake >= 3.20, pkg-config    (gcc cmake pkgconf)
  openmpi-bin libopenmpi-dev                   (openmpi)
  libhdf5-openmpi-dev                          (hdf5+mpi+hl)
  libconfig-dev                                (libconfig)
  libopenblas-dev                              (openblas)
  libbz2-dev                                   (bzip2)
and for the tests: libcmocka-dev (cmocka) hdf5-tools python3-h5py (py-h5py) clang-format lcov
On a cluster: module load the site's gcc, openmpi, hdf5-parallel, libconfig, openblas and bzip2,
or: spack install openmpi hdf5+mpi+hl libconfig openblas bzip2 cmocka && spack load ...
TXT
}

if ! command -v apt-get >/dev/null; then
    echo "scripts/install-deps.sh: no apt here; going on with what is installed" >&2
    say_needed
    exit 0
fi

missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
        missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "scripts/install-deps.sh: not root and no sudo; missing: ${missing[*]}" >&2
        say_needed
        exit 0
    fi
    root=(sudo)
fi
echo "installing: ${missing[*]}" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${root[@]}" apt-get -o DPkg::Lock::Timeout=600 -qq update &&
       "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -qq \
           install --no-install-recommends -y "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "scripts/install-deps.sh: apt-get failed (above); going on with what is installed" >&2
    say_needed
fi
