#!/bin/bash
# userns.sh DIR - measure containers of other user mappings than the default on the image of DIR/one.tar (see layouts.sh),
# with DIR/coracle and with podman where it is installed, and add the figures to DIR/results/figures (see measure.sh):
#   userns_default  a container of the user's own mapping      userns_first  the first one of a mapping
#   userns_again    another one of the same                    userns_auto   one of --userns=auto
#   userns_space    what the store has grown by, in bytes, for ROUNDS (5) mappings
# Times are medians, in milliseconds. Everything it makes, it removes. STORE_DRIVER=overlay measures coracle with that.
set -euo pipefail
dir=$1 rounds=${ROUNDS:-5}
out=$dir/results/figures
mkdir -p "$dir/results"
work=$(if [ -d "$dir/disk" ]; then mktemp -d -p "$dir/disk"; else mktemp -d; fi)
# Podman's store.
export XDG_DATA_HOME=$work/data
mkdir "$XDG_DATA_HOME"
coracle() { "$dir/coracle" --root "$work/r" --runroot "$work/n" ${STORE_DRIVER:+--storage-driver "$STORE_DRIVER"} "$@"; }
engines=(coracle)
command -v podman >/dev/null && engines+=(podman)

cleanup() {
    if [ "${#engines[@]}" = 2 ]; then podman rmi -a -f >/dev/null 2>&1 || true; fi
    coracle unshare rm -rf "$work" 2>/dev/null || rm -rf "$work"
}
trap cleanup EXIT

# once COMMAND: how long it takes.
once() {
    local start end
    start=$(date +%s%N)
    "$@" >/dev/null 2>"$work/err" || return
    end=$(date +%s%N)
    awk -v ns=$((end - start)) 'BEGIN { printf "%.1f\n", ns / 1e6 }'
}

median() { sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }

# figure KEY MODE...: the median of one container of each of these modes.
figure() {
    local key=$1 mode times=
    shift
    for mode in "$@"; do
        if ! times+=$(once "$engine" run --rm --network none "--userns=$mode" "$image" true)$'\n'; then
            echo "$key.$engine failed: $(tail -n 2 "$work/err" | tr '\n' ' ')"
            return
        fi
    done
    echo "$key.$engine $(median <<<"${times%$'\n'}")" | tee -a "$out"
}

# used: the bytes of the engine's store.
used() {
    local store=$work/r
    [ "$engine" = coracle ] || store=$XDG_DATA_HOME/containers
    "$engine" unshare du -s -B1 "$store" | cut -f 1
}

for engine in "${engines[@]}"; do
    if ! "$engine" load -q -i "$dir/one.tar" >"$work/loaded" 2>"$work/err"; then
        echo "userns.$engine failed: $(tail -n 2 "$work/err" | tr '\n' ' ')"
        continue
    fi
    image=$(sed -n 's/^Loaded image: //p' "$work/loaded" | head -n 1)
    once "$engine" run --rm --network none "$image" true >/dev/null || true
    before=$(used)
    own=() firsts=() again=() autos=()
    for ((round = 0; round < rounds; round++)); do
        # No two of them are the same mapping.
        firsts+=("keep-id:uid=$((100 + round)),gid=$((200 + round))")
        own+=(host) again+=("${firsts[0]}") autos+=(auto)
    done
    figure userns_default "${own[@]}"
    figure userns_first "${firsts[@]}"
    figure userns_again "${again[@]}"
    figure userns_auto "${autos[@]}"
    echo "userns_space.$engine $(($(used) - before))" | tee -a "$out"
done
