#!/bin/sh
# packages.sh run|test|bench - install the Debian packages that are missing for it. Asks nothing; says what it does.
set -eu

build='gcc libc6-dev'
run='uidmap slirp4netns fuse-overlayfs'
test='busybox-static mmdebstrap skopeo docker-registry passt curl openssl ca-certificates xz-utils zstd util-linux procps gpg gpg-agent bind9-dnsutils'
bench='mmdebstrap hyperfine busybox-static jq docker-registry skopeo'
case ${1:-} in
run) wanted="$build $run" ;;
test) wanted="$build $run $test" ;;
bench) wanted="$build $run $bench" ;;
*) echo "usage: $0 run|test|bench" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null; then
    echo "this is not a Debian system; please see to it that these are installed: $wanted"
    exit 0
fi
missing=
for package in $wanted; do
    case $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) in
    ii*) ;;
    *) missing="$missing $package" ;;
    esac
done

sudo=
if [ "$(id -u)" != 0 ]; then sudo=sudo; fi
if [ -n "$missing" ]; then
    echo "installing$missing"
    if [ -n "$sudo" ] && ! command -v sudo >/dev/null; then
        echo "this needs root or sudo: apt-get install$missing" >&2
        exit 1
    fi
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    # Word splitting is wanted: one word per package.
    # shellcheck disable=SC2086
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
fi

# Outside of virtual machines and containers these two are open to everyone already.
if [ -z "$sudo" ]; then
    for device in /dev/fuse /dev/net/tun; do
        if [ -c "$device" ]; then chmod 666 "$device"; fi
    done
fi
