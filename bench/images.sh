#!/bin/bash
# images.sh DIR - measure what is done with images, with DIR/coracle and with podman where it is installed, and add
# the figures to DIR/results/figures (see measure.sh). REGISTRY is where layouts.sh's images are, as bench/one and
# bench/eight; DIR/one.tar is an archive of the first. Everything it makes, it removes.
set -euo pipefail
dir=$1 runs=${RUNS:-20}
few=$((runs / 4 + 1))
out=$dir/results/figures
work=$(mktemp -d)
coracle="$dir/coracle --root $work/r --runroot $work/n"
engines=(coracle)
command -v podman >/dev/null && engines+=(podman)

cleanup() {
    if [ "${#engines[@]}" = 2 ]; then podman rmi -a -f >/dev/null 2>&1 || true; fi
    $coracle unshare rm -rf "$work" 2>/dev/null || rm -rf "$work"
}
trap cleanup EXIT

# figure KEY PREPARATION COMMAND: median time and greatest memory of hyperfine's runs, the preparation not counted.
figure() {
    local key=$1 prepare=$2 command=$3
    if hyperfine -N --warmup 1 --runs "$few" --prepare "$prepare" --export-json "$work/json" "$command" \
        >/dev/null 2>"$work/err"; then
        jq -r --arg key "$key" '.results[0] | "\($key) \(.median * 1000)",
            if .memory_usage_byte then "\($key).memory \(.memory_usage_byte | max)" else empty end' "$work/json" |
            tee -a "$out"
    else
        echo "$key failed: $(tail -n 2 "$work/err" | tr '\n' ' ')"
    fi
}

for engine in "${engines[@]}"; do
    run=${!engine:-$engine}
    # Nothing of the run before may still be on its way to the disk.
    clean="sh -c '$run rmi -a -f >/dev/null 2>&1; sync'"
    if [ "${REGISTRY:-}" ]; then
        figure "pull_one.$engine" "$clean" "$run pull -q --tls-verify=false $REGISTRY/bench/one"
        figure "pull_eight.$engine" "$clean" "$run pull -q --tls-verify=false $REGISTRY/bench/eight"
        figure "pull_again.$engine" "true" "$run pull -q --tls-verify=false $REGISTRY/bench/eight"
    fi
    figure "load.$engine" "$clean" "$run load -q -i $dir/one.tar"
    if [ "${REGISTRY:-}" ]; then
        # Loaded: the layer has to be compressed. Pulled: it is gzip already. To a new repository each time, and without
        # what was learned the last time.
        forget="rm -rf $work/r/images/blob-hints.json $HOME/.local/share/containers/cache"
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
