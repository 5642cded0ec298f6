#!/bin/bash
# layouts.sh DIR - make what images.sh pulls and loads, once: the same minimal Debian as an image of one gzip layer
# (OCI layout DIR/one) and of eight (DIR/eight), and DIR/one.tar, a docker-archive of the first. The tar archive of the
# root file system comes from mmdebstrap, or is the one that the tests keep.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
dir=$1
[ -e "$dir/one.tar" ] && exit 0
mkdir -p "$dir"
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT

debian=$(find "$here/../target/it-cache" -name 'debian-*.tar' ! -name '*unfinished*' 2>/dev/null | head -n 1)
if [ -z "$debian" ]; then
    debian=$work/debian.tar
    # shellcheck disable=SC1091
    suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
    mmdebstrap --quiet --variant=minbase "$suite" "$debian"
fi
mkdir "$work/root"
tar -C "$work/root" --no-same-owner --exclude='./dev/*' -xpf "$debian"
chmod -R u+rwX "$work/root"

# pack PATHS-FILE TAR: a reproducible archive of these paths.
pack() {
    tar -C "$work/root" --owner=0 --group=0 --numeric-owner --no-recursion -T "$1" -cf "$2"
}
(cd "$work/root" && find . -mindepth 1 -printf '%P\t%s\n' | LC_ALL=C sort) >"$work/list"
cut -f 1 "$work/list" >"$work/all"
pack "$work/all" "$work/one.tar"
# Eight parts of about the same size, each with the directories on the way to its files.
total=$(awk -F '\t' '{ sum += $2 + 1024 } END { print sum }' "$work/list")
awk -F '\t' -v total="$total" -v work="$work" '
    { part = int(done * 8 / total) + 1; done += $2 + 1024; print $1 >(work "/part" part) }' "$work/list"
for part in {1..8}; do pack "$work/part$part" "$work/layer$part.tar"; done

digest() { sha256sum "$1" | cut -d ' ' -f 1; }
# blob LAYOUT FILE: puts it among the layout's blobs; prints digest and size.
blob() {
    local hex; hex=$(digest "$2")
    cp "$2" "$1/blobs/sha256/$hex"
    echo "sha256:$hex" "$(stat -c %s "$2")"
}
# layout DIR TAR...
layout() {
    local out=$1 layers='[]' ids='[]' hex size tar; shift
    mkdir -p "$out/blobs/sha256"
    echo '{"imageLayoutVersion":"1.0.0"}' >"$out/oci-layout"
    for tar; do
        ids=$(jq -c --arg id "sha256:$(digest "$tar")" '. + [$id]' <<<"$ids")
        gzip -n -6 <"$tar" >"$work/blob"
        read -r hex size < <(blob "$out" "$work/blob")
        layers=$(jq -c --arg d "$hex" --argjson s "$size" \
            '. + [{mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest: $d, size: $s}]' <<<"$layers")
    done
    jq -nc --argjson ids "$ids" '{architecture: "amd64", os: "linux", config: {Cmd: ["true"]},
        rootfs: {type: "layers", diff_ids: $ids}}' >"$work/config"
    read -r hex size < <(blob "$out" "$work/config")
    jq -nc --arg d "$hex" --argjson s "$size" --argjson layers "$layers" '{schemaVersion: 2,
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: $d, size: $s}, layers: $layers}' \
        >"$work/manifest"
    read -r hex size < <(blob "$out" "$work/manifest")
    jq -nc --arg d "$hex" --argjson s "$size" '{schemaVersion: 2, manifests: [{
        mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $d, size: $s,
        annotations: {"org.opencontainers.image.ref.name": "latest"}}]}' >"$out/index.json"
}
layout "$dir/one" "$work/one.tar"
layout "$dir/eight" "$work"/layer?.tar
skopeo --insecure-policy copy --quiet "oci:$dir/one:latest" "docker-archive:$work/archive:localhost/bench/loaded:latest"
mv "$work/archive" "$dir/one.tar"
