#!/bin/bash
# run.sh BINARY - measure coracle against podman and crun on this machine, in one run, and print one table.
#
# Everything runs inside the peers' root (Debian 13 with podman and crun) as its unprivileged user, so that all of them
# have the same kernel, file system and network helpers. The scripts that build it are not part of this repository:
#   environment: PEERS_SCRIPTS (../shared/peers)  PEERS (/tmp/peers)  RUNS (20)
#                LAYOUTS (target/bench-layouts), kept from run to run
# Without them, or without root, only coracle is measured, where it stands.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
binary=$(readlink -f "$1")
scripts=${PEERS_SCRIPTS:-$here/../../shared/peers}
runs=${RUNS:-20}
layouts=${LAYOUTS:-$here/../target/bench-layouts}

share=$(mktemp -d /tmp/coracle-bench.XXXXXX)
served=
cleanup() {
    [ -z "$served" ] || kill "$served"
    if mountpoint -q "$share/disk"; then umount -l "$share/disk"; fi
    rm -rf "$share"
}
trap cleanup EXIT
chmod 777 "$share"
mkdir -m 777 "$share/results"
install -m 755 "$binary" "$share/coracle"
install -m 755 "$here/measure.sh" "$share/measure.sh"
install -m 755 "$here/store.sh" "$share/store.sh"
install -m 644 "$here/figure.sh" "$share/figure.sh"
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

# Images, and a registry on loopback that has them.
registry=
"$here/layouts.sh" "$layouts"
cp -r "$layouts/one" "$layouts/one.tar" "$share/"
if command -v docker-registry >/dev/null && command -v skopeo >/dev/null; then
    port=$((20000 + $$ % 10000))
    cat >"$share/registry.yml" <<EOF
version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $share/registry}, delete: {enabled: true}}
http: {addr: 127.0.0.1:$port}
EOF
    docker-registry serve "$share/registry.yml" >/dev/null 2>&1 &
    served=$!
    for _ in {1..100}; do
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then registry=127.0.0.1:$port && break; fi
        sleep 0.05
    done
    for image in one eight; do
        skopeo --insecure-policy copy -q --dest-tls-verify=false "oci:$layouts/$image:latest" \
            "docker://$registry/bench/$image:latest"
    done
fi
install -m 755 "$here/images.sh" "$here/userns.sh" "$share/"
# A root file system with servers and callers for networks.
if [ ! -e "$layouts/network.tar" ] && command -v mmdebstrap >/dev/null; then
    # shellcheck disable=SC1091
    suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
    mmdebstrap --quiet --format=tar --variant=minbase --include=nginx-light,iperf3,wrk,bind9-dnsutils,iproute2 "$suite" \
        "$layouts/network.tar.part"
    mv "$layouts/network.tar.part" "$layouts/network.tar"
fi
networks=
if [ -e "$layouts/network.tar" ]; then
    networks="/share/network.sh /share"
    install -m 755 "$here/network.sh" "$share/network.sh"
    cp "$layouts/network.tar" "$share/"
    mkdir "$share/tools"
    tar -C "$share/tools" --no-same-owner --exclude='./dev/*' -xf "$layouts/network.tar"
fi
# The stores of images.sh are on an ext4 file system with a journal, as everywhere: without one, ext4 keeps away for
# minutes from inodes that were just removed, which makes each pull after an `rmi` several times as long.
if [ "$(id -u)" = 0 ] && command -v mkfs.ext4 >/dev/null; then
    truncate -s 8G "$share/disk.img"
    mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 "$share/disk.img"
    mkdir "$share/disk"
    if mount -o loop "$share/disk.img" "$share/disk" 2>/dev/null; then chmod 1777 "$share/disk"; else rmdir "$share/disk"; fi
fi
chmod -R a+rX "$share"

measure="/share/measure.sh /share; /share/images.sh /share; /share/userns.sh /share; $networks"
if [ "$(id -u)" = 0 ] && [ -x "$scripts/enter.sh" ]; then
    "$scripts/build.sh" "${PEERS:-/tmp/peers}" >&2
    "$scripts/enter.sh" "export RUNS=$runs REGISTRY=$registry; $measure" "$share" >&2
else
    echo "no peers here ($scripts): measuring coracle alone" >&2
    measure=${measure//\/share/$share}
    if [ "$(id -u)" = 0 ] && id coracle-test &>/dev/null; then
        setpriv --reuid coracle-test --regid coracle-test --init-groups --inh-caps=-all \
            env -i PATH="$PATH" HOME="$(getent passwd coracle-test | cut -d: -f6)" RUNS="$runs" REGISTRY="$registry" \
            bash -c "$measure" >&2
    else
        RUNS=$runs REGISTRY=$registry bash -c "$measure" >&2
    fi
fi
awk -f "$here/table.awk" "$share/results/figures"
