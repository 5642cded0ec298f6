#!/bin/bash
# store.sh DIR - measure a store of 300 images: `images`, and `rmi` of 50 of them, with DIR/coracle and with podman where
# it is installed, and add the figures to DIR/results/figures (see measure.sh). Everything it makes, it removes.
set -euo pipefail
dir=$1 runs=${RUNS:-20}
few=$((runs / 5 + 1))
out=$dir/results/figures
work=$(mktemp -d)
coracle="$dir/coracle --root $work/r --runroot $work/n"
podman="podman --root $work/podman --runroot $work/podman-run"
engines=(coracle)
command -v podman >/dev/null && engines+=(podman)

cleanup() {
    if [ "${#engines[@]}" = 2 ]; then $podman unshare rm -rf "$work/podman" 2>/dev/null || true; fi
    $coracle unshare rm -rf "$work" 2>/dev/null || rm -rf "$work"
}
trap cleanup EXIT

# shellcheck source=bench/figure.sh
source "${0%/*}/figure.sh"

# Each image has a layer of its own with a few files.
mkdir "$work/tars"
mkdir -p "$work/tree/etc"
for i in {1..300}; do
    for name in a b c d; do echo "$name $i" >"$work/tree/etc/$name"; done
    tar -C "$work/tree" --owner=0 --group=0 -cf "$work/tars/$i.tar" .
done
fifty=$(for i in {1..50}; do printf 'localhost/many:%s ' "$i"; done)

for engine in "${engines[@]}"; do
    run=${!engine}
    # Imports the images of these numbers.
    cat >"$work/add.$engine" <<END
for i in \$(seq \$1 \$2); do $run import -q "$work/tars/\$i.tar" "localhost/many:\$i" >/dev/null 2>&1; done; sync
END
    bash "$work/add.$engine" 1 300
    figure "images_300.$engine" true "$run images"
    figure "rmi_50.$engine" "bash $work/add.$engine 1 50" "$run rmi $fifty"
    $run rmi -a -f >/dev/null 2>&1
done
