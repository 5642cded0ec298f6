#!/bin/bash
# run.sh BINARY - measure coracle against podman and crun on this machine, in one run, and print one table.
#
# Everything runs inside the peers' root (Debian 13 with podman and crun) as its unprivileged user, so that all of them
# have the same kernel, file system and network helpers. The scripts that build it are not part of this repository:
#   environment: PEERS_SCRIPTS (../shared/peers)  PEERS (/tmp/peers)  RUNS (20)
# Without them, or without root, only coracle is measured, where it stands.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
binary=$(readlink -f "$1")
scripts=${PEERS_SCRIPTS:-$here/../../shared/peers}
runs=${RUNS:-20}

share=$(mktemp -d /tmp/coracle-bench.XXXXXX)
trap 'rm -rf "$share"' EXIT
chmod 777 "$share"
mkdir -m 777 "$share/results"
install -m 755 "$binary" "$share/coracle"
install -m 755 "$here/measure.sh" "$share/measure.sh"
install -m 755 "$here/store.sh" "$share/store.sh"
# A busybox root file system, for all of them.
mkdir -p "$share/rootfs/bin" "$share/rootfs"/{etc,proc,sys,dev,tmp}
cp "$(command -v busybox)" "$share/rootfs/bin/busybox"
for applet in $(busybox --list); do
    [ "$applet" = busybox ] || ln -s busybox "$share/rootfs/bin/$applet"
done
echo 'root:x:0:0:root:/:/bin/sh' >"$share/rootfs/etc/passwd"
echo 'root:x:0:' >"$share/rootfs/etc/group"
tar --owner=0 --group=0 --numeric-owner -C "$share/rootfs" -cf "$share/rootfs.tar" .
# crun needs a root file system of its own user's.
rm -rf "$share/rootfs"

if [ "$(id -u)" = 0 ] && [ -x "$scripts/enter.sh" ]; then
    "$scripts/build.sh" "${PEERS:-/tmp/peers}" >&2
    "$scripts/enter.sh" "RUNS=$runs /share/measure.sh /share" "$share" >&2
else
    echo "no peers here ($scripts): measuring coracle alone" >&2
    if [ "$(id -u)" = 0 ] && id coracle-test &>/dev/null; then
        setpriv --reuid coracle-test --regid coracle-test --init-groups --inh-caps=-all \
            env -i PATH="$PATH" HOME="$(getent passwd coracle-test | cut -d: -f6)" RUNS="$runs" "$share/measure.sh" "$share" >&2
    else
        RUNS=$runs "$share/measure.sh" "$share" >&2
    fi
fi
awk -f "$here/table.awk" "$share/results/figures"
