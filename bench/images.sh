#!/bin/bash
# images.sh DIR - measure what is done with images, with DIR/coracle and with podman where it is installed, and add
# the figures to DIR/results/figures (see measure.sh). REGISTRY is where layouts.sh's images are, as bench/one and
# bench/eight; DIR/one.tar is an archive of the first. The stores are in DIR/disk where that is. Everything it makes, it
# removes.
set -euo pipefail
dir=$1 runs=${RUNS:-20}
few=$((runs / 4 + 1))
out=$dir/results/figures
work=$(if [ -d "$dir/disk" ]; then mktemp -d -p "$dir/disk"; else mktemp -d; fi)
# Podman's store.
export XDG_DATA_HOME=$work/data
mkdir "$XDG_DATA_HOME"
coracle="$dir/coracle --root $work/r --runroot $work/n"
engines=(coracle)
command -v podman >/dev/null && engines+=(podman)

cleanup() {
    if [ "${#engines[@]}" = 2 ]; then podman rmi -a -f >/dev/null 2>&1 || true; fi
    $coracle unshare rm -rf "$work" 2>/dev/null || rm -rf "$work"
}
trap cleanup EXIT

# shellcheck source=bench/figure.sh
source "${0%/*}/figure.sh"

# memory KEY COMMAND: the most memory that one process of it had, in bytes: ru_maxrss, the first number after two times.
memory() {
    local key=$1; shift
    # shellcheck disable=SC2016
    perl -e 'my ($machine, @command) = @ARGV; system(@command) == 0 or exit 1;
        my ($number, $usage) = ($machine eq "x86_64" ? 98 : 165, "\0" x 144);
        syscall($number, -1, $usage) == 0 or die "getrusage: $!";
        print STDERR unpack("x32 q", $usage) * 1024, "\n"' "$(uname -m)" "$@" 2>"$work/err" >/dev/null &&
        echo "$key $(tail -n 1 "$work/err")" | tee -a "$out" || echo "$key failed: $(tail -n 2 "$work/err")"
}

for engine in "${engines[@]}"; do
    run=${!engine:-$engine}
    # Nothing of the run before may still be on its way to the disk.
    clean="sh -c '$run rmi -a -f >/dev/null 2>&1; sync'"
    if [ "${REGISTRY:-}" ]; then
        figure "pull_one.$engine" "$clean" "$run pull -q --tls-verify=false $REGISTRY/bench/one"
        figure "pull_eight.$engine" "$clean" "$run pull -q --tls-verify=false $REGISTRY/bench/eight"
        $run rmi -a -f >/dev/null
        # shellcheck disable=SC2086
        memory "pull_eight.$engine.memory" $run pull -q --tls-verify=false "$REGISTRY/bench/eight"
        figure "pull_again.$engine" "true" "$run pull -q --tls-verify=false $REGISTRY/bench/eight"
    fi
    figure "load.$engine" "$clean" "$run load -q -i $dir/one.tar"
    if [ "${REGISTRY:-}" ]; then
        # Loaded: the layer has to be compressed. Pulled: it is gzip already. To a new repository each time, and without
        # what was learned the last time.
        forget="rm -rf $work/r/images/blob-hints.json $XDG_DATA_HOME/containers/cache"
        for image in localhost/bench/loaded "$REGISTRY/bench/one"; do
            key=push_plain
            if [ "$image" = "$REGISTRY/bench/one" ]; then
                key=push_gzip
                $run pull -q --tls-verify=false "$image" >/dev/null
            fi
            echo "exec $run push -q --tls-verify=false $image $REGISTRY/push/$engine-\$(date +%N):1" >"$work/push"
            figure "$key.$engine" "$forget" "sh $work/push"
        done
    fi
    $run rmi -a -f >/dev/null
done

# The limit: the same layer by the tools of the system, and a plain copy of its files.
layer=$(find "$dir/one/blobs/sha256" -size +10M | head -n 1)
if [ "$layer" ]; then
    figure unpack.tar "sh -c 'rm -rf $work/tree; mkdir $work/tree; sync'" \
        "sh -c 'zcat $layer | tar -x --no-same-owner -C $work/tree; sync -f $work/tree'"
    figure copy.cp "sh -c 'rm -rf $work/copy; sync'" "sh -c 'cp -a $work/tree $work/copy; sync -f $work/copy'"
fi
