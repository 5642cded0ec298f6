#!/bin/bash
# measure.sh DIR - take all figures with DIR/coracle, and with podman and crun where they are installed, into
# DIR/results/figures: lines `KEY VALUE`, times in milliseconds, sizes in bytes. Everything it makes, it removes.
set -euo pipefail
dir=$1 runs=${RUNS:-20}
out=$dir/results/figures
work=$(mktemp -d)
: >"$out"
coracle=("$dir/coracle" --root "$work/r" --runroot "$work/n")
has() { command -v "$1" >/dev/null; }
has podman && peers=1 || peers=

cleanup() {
    "${coracle[@]}" rm -f -a -t 0 >/dev/null 2>&1 || true
    if [ "$peers" ]; then
        podman rm -f -a -t 0 >/dev/null 2>&1 || true
        podman rmi -f localhost/busybox >/dev/null 2>&1 || true
    fi
    chmod -R u+w "$work" 2>/dev/null || true
    "${coracle[@]}" unshare rm -rf "$work" 2>/dev/null || rm -rf "$work"
}
trap cleanup EXIT

# time_ms KEY RUNS COMMAND: median of hyperfine's runs. A command that fails has no figure.
time_ms() {
    local key=$1 runs=$2; shift 2
    if hyperfine -N --warmup 2 --runs "$runs" --export-json "$work/json" "$*" >/dev/null 2>"$work/err"; then
        awk -v key="$key" -F'[:,]' '/"median"/ { printf "%s %.3f\n", key, $2 * 1000; exit }' "$work/json" | tee -a "$out"
    else
        echo "$key failed: $(tail -n 2 "$work/err" | tr '\n' ' ')"
    fi
}
private_kb() { awk '/^Private_/ { sum += $2 } END { print sum }' "/proc/$1/smaps_rollup"; }

# The same image for both, and the same bundle for crun.
"${coracle[@]}" import -q --change 'CMD ["sh"]' "$dir/rootfs.tar" localhost/busybox >/dev/null
engines=(coracle)
declare -A command=([coracle]="${coracle[*]}")
if [ "$peers" ]; then
    podman import -q --change 'CMD ["sh"]' "$dir/rootfs.tar" localhost/busybox >/dev/null
    engines+=(podman)
    command[podman]=podman
fi

if [ "$peers" ] && has crun; then
    mkdir -p "$work/bundle/rootfs"
    tar -C "$work/bundle/rootfs" -xf "$dir/rootfs.tar"
    # Our own container's specification: the same process, mounts, capabilities and system call filter; with a user
    # namespace, which our engine makes beforehand, and the plain directory as root, where ours has to mount an overlay.
    "${coracle[@]}" run --name spec --network none busybox true
    range() { awk -F: -v user="$(id -un)" '$1 == user { print $2, $3; exit }' "$1"; }
    read -r uid_start uid_count < <(range /etc/subuid)
    read -r gid_start gid_count < <(range /etc/subgid)
    jq --argjson uid "$(id -u)" --argjson gid "$(id -g)" --argjson us "$uid_start" --argjson uc "$uid_count" \
        --argjson gs "$gid_start" --argjson gc "$gid_count" '
        .root = {path: "rootfs"} |
        .linux.uidMappings = [{containerID: 0, hostID: $uid, size: 1}, {containerID: 1, hostID: $us, size: $uc}] |
        .linux.gidMappings = [{containerID: 0, hostID: $gid, size: 1}, {containerID: 1, hostID: $gs, size: $gc}] |
        .linux.namespaces += [{type: "user"}]
        ' "$work"/r/containers/*/config.json >"$work/bundle/config.json"
    time_ms run_none.crun "$runs" crun --root "$work/crun" --cgroup-manager disabled run --bundle "$work/bundle" bench
fi

for engine in "${engines[@]}"; do
    run=${command[$engine]}
    few=$runs
    if [ "$engine" = podman ]; then few=$((runs / 2 + 1)); fi
    time_ms "version.$engine" "$runs" $run --version
    time_ms "images.$engine" "$runs" $run images
    time_ms "run_none.$engine" "$few" $run run --rm --network none busybox true
    time_ms "run_network.$engine" "$few" $run run --rm busybox true

    # Three, so that the pages of the program's file are shared, as they are in real use.
    for name in up up2 up3; do $run run -d --name $name --network none busybox sleep 100000 >/dev/null; done
    time_ms "exec.$engine" "$few" $run exec up true
    monitor=$($run inspect --format '{{.State.ConmonPid}}' up)
    if [ -e "/proc/$monitor/smaps_rollup" ]; then echo "memory.$engine $(private_kb "$monitor")" | tee -a "$out"; fi
    $run rm -f -t 0 up up2 up3 >/dev/null

    cat >"$work/parallel" <<EOF
for i in {1..20}; do $run run --rm --network none busybox true & done; wait
EOF
    cat >"$work/sequential" <<EOF
for i in {1..20}; do $run run --rm --network none busybox true; done
EOF
    time_ms "parallel.$engine" 5 bash "$work/parallel"
    time_ms "sequential.$engine" 3 bash "$work/sequential"

    for i in {1..200}; do $run create --name "c$i" --network none busybox true; done >/dev/null
    time_ms "ps.$engine" "$runs" $run ps -a
    $run rm -f -a -t 0 >/dev/null
done
RUNS=$runs "$dir/store.sh" "$dir"
echo "binary.coracle $(stat -c %s "$dir/coracle")" | tee -a "$out"
