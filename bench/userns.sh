#!/bin/bash
# userns.sh DIR [ARCHIVE] - measure the first and the next containers of other user mappings, with DIR/coracle and with
# podman where it is installed. ARCHIVE is a root file system (tar) of some size. Figures go to stdout, in milliseconds and
# kilobytes. Everything it makes, it removes.
set -euo pipefail
dir=$1 archive=${2:-$1/rootfs.tar}
work=$(mktemp -d)
export XDG_DATA_HOME=$work/data
mkdir "$XDG_DATA_HOME"
coracle() { "$dir/coracle" --root "$work/r" --runroot "$work/n" "$@"; }

cleanup() {
    if command -v podman >/dev/null; then podman system reset -f >/dev/null 2>&1 || true; fi
    coracle unshare rm -rf "$work" 2>/dev/null || rm -rf "$work"
}
trap cleanup EXIT

# once COMMAND: how long it takes.
once() {
    local start end
    start=$(date +%s%N)
    "$@" >/dev/null
    end=$(date +%s%N)
    echo $(((end - start) / 1000000))
}

# used ENGINE: what its store takes.
used() {
    case $1 in
    coracle) coracle unshare du -sk "$work/r" | cut -f1 ;;
    podman) podman unshare du -sk "$XDG_DATA_HOME/containers" | cut -f1 ;;
    esac
}

# engine NAME OPTIONS...: one line for each mapping.
engine() {
    local name=$1 mode first next before
    shift
    for mode in host keep-id keep-id:uid=5,gid=5 auto; do
        before=$(used "$name")
        first=$(once "$name" "$@" run --rm --network none "--userns=$mode" localhost/big true)
        next=$(for _ in 1 2 3 4 5; do once "$name" "$@" run --rm --network none "--userns=$mode" localhost/big true; done | sort -n | sed -n 3p)
        echo "$name $* $mode: first $first ms, next $next ms, $(($(used "$name") - before)) kB more"
    done
}

coracle import -q "$archive" localhost/big >/dev/null 2>&1
coracle run --rm --network none localhost/big true
engine coracle
engine coracle --storage-driver overlay
if command -v podman >/dev/null; then
    podman import -q "$archive" localhost/big >/dev/null 2>&1
    podman run --rm --network none localhost/big true
    engine podman
fi
