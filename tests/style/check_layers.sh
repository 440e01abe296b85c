#!/usr/bin/env bash
# The include rules of docs/architecture.md: a layer includes only lower ones, a plug-in folder no other
# plug-in folder, third-party headers stay in their layers. Prints every offence; exit 1 if any.
set -eu
cd "$1"
bad=0
offence() { echo "$1"; bad=1; }

declare -A level=([base]=0 [stats]=1 [comm]=1 [device]=1 [md]=2 [system]=3 [model]=3 [protocol]=4
    [probe]=3 [case]=5 [config]=6 [sweep]=6 [store]=7 [report]=8 [cli]=9)

while IFS=: read -r file line text; do
    from=${file#src/}; from=${from%%/*}
    to=$(sed -E 's/.*#include "([^/"]+)\/.*/\1/' <<<"$text")
    [ "$file" = src/main.c ] && continue
    [ -n "${level[$from]:-}" ] || { offence "$file:$line: layer '$from' is not in the table"; continue; }
    [ -n "${level[$to]:-}" ] || { offence "$file:$line: includes '$to', not a layer"; continue; }
    if [ "$to" != "$from" ] && [ "${level[$to]}" -ge "${level[$from]}" ]; then
        offence "$file:$line: $from must not include $to"
    fi
    # src/<kind>/<plug-in>/... sees its kind's interface, never another plug-in.
    case $from in system|model|protocol|probe)
        own=$(cut -d/ -f3 <<<"$file"); other=$(sed -E 's/.*"[^/"]+\/([^"]+)".*/\1/' <<<"$text")
        if [ "$to" = "$from" ] && [ -d "src/$from/$own" ] && [[ $other == */* ]] &&
           [ "${other%%/*}" != "$own" ]; then
            offence "$file:$line: plug-in $own must not include plug-in ${other%%/*}"
        fi
    esac
done < <(grep -rnE '^#include "' src --include='*.[ch]' --include='*.cu' --include='*.cuh')

third() { # header pattern, allowed places
    grep -rnE "^#include <$1" src --include='*.[ch]' | cut -d: -f1,2 | grep -vE "$2" |
        while read -r where; do echo "$where: <$1> belongs in $2"; done
}
for rule in 'mpi\.h ^src/(comm|store)/' 'hdf5 ^src/(store/|model/weights_file\.c)' 'libconfig ^src/config/' \
            'cuda ^src/device/cuda/' 'nvml ^src/probe/telemetry/'; do
    found=$(third ${rule% *} "${rule#* }")
    [ -z "$found" ] || offence "$found"
done
[ "$bad" -eq 0 ] && echo "layers: ok"
exit "$bad"
