#!/bin/bash
# test.sh [FILTER...] - build the tests, run them all as an unprivileged user, and fail when they leave anything behind.
#
# Run by root, it makes the user `coracle-test` with subordinate IDs of its own and runs the tests as that user; run by
# anyone else, the tests run as that user, who needs lines in /etc/subuid and /etc/subgid.
#   environment: CARGO, PROFILE (dev), KEEP=1 (keep the scratch directory), RUST_TEST_THREADS
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
readonly checkout=$PWD cargo=${CARGO:-cargo} profile=${PROFILE:-dev} test_user=coracle-test

fail() { echo "test.sh: $*" >&2; exit 1; }

# The user, with ranges of 65536 subordinate IDs that nobody else has.
make_user() {
    id "$test_user" &>/dev/null || useradd --create-home --shell /bin/sh "$test_user"
    local file
    for file in /etc/subuid /etc/subgid; do
        grep -qs "^$test_user:" "$file" && continue
        awk -F: -v user="$test_user" '
            { end = $2 + $3; if (end > free) free = end }
            END { if (free < 100000) free = 100000; print user ":" free ":65536" }' "$file" >"$file.new"
        cat "$file.new" >>"$file"
        rm "$file.new"
    done
}

# First of the IDs that belong to the tests, and how many: lines `START COUNT`.
subordinate_ids() { awk -F: -v user="$1" '$1 == user { print $2, $3 }' /etc/subuid /etc/subgid; }

echo "building the tests"
# Cargo names each executable it built in a line of JSON.
built=$("$cargo" test --locked --profile "$profile" --no-run --message-format=json-render-diagnostics)
mapfile -t executables < <(grep -o '"executable":"[^"]*/deps/[^"]*"' <<<"$built" | cut -d'"' -f4 | sort -u)
((${#executables[@]})) || fail "cargo built no tests"

umask 022
# A short path: socket addresses below it hold a container's ID and have 108 bytes at most.
scratch=$(mktemp -d /tmp/ct.XXXXXX)
# User namespaces of other tools (mmdebstrap) map root to another user, who must get to what they make below it.
chmod 711 "$scratch"
if [ "$(id -u)" = 0 ]; then
    make_user
    user=$test_user
    as_user=(setpriv --reuid "$user" --regid "$user" --init-groups --inh-caps=-all)
    chown "$user:" "$scratch"
else
    user=$(id -un)
    as_user=()
    for file in /etc/subuid /etc/subgid; do
        grep -qs "^$user:" "$file" ||
            fail "you have no line in $file: sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $user"
    done
fi
home=$(getent passwd "$user" | cut -d: -f6)
# One run at a time: what another one is doing would look like something left behind.
exec 9<"$home"
flock 9

# Fixtures that take long to make are kept from one run to the next.
cache=$checkout/target/it-cache
mkdir -p "$cache"
if [ "$(id -u)" = 0 ]; then chown -R "$user:" "$cache"; fi
touch "$cache/.started"

# A file system that is soon full. Only root can mount one.
small=
if [ "$(id -u)" = 0 ]; then
    small=$scratch.small
    mkdir "$small"
    mount -t tmpfs -o "size=1m,mode=700,uid=$(id -u "$user"),gid=$(id -g "$user")" tmpfs "$small"
    trap '{ umount "$small" && rmdir "$small"; } 2>/dev/null || true' EXIT
fi

run_tests() {
    local status=0 executable
    for executable in "${executables[@]}"; do
        echo "running ${executable#"$checkout/"}"
        # Nothing of the caller's environment, nor signals that it ignores (nohup): what passes here passes everywhere.
        "${as_user[@]}" env -i --default-signal PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin HOME="$home" USER="$user" \
            LANG=C.UTF-8 TMPDIR="$scratch" CORACLE_TEST_CACHE="$cache" ${small:+"CORACLE_TEST_SMALL=$small"} RUST_BACKTRACE=0 INSTA_UPDATE=no \
            INSTA_WORKSPACE_ROOT="$checkout" CARGO_MANIFEST_DIR="$checkout" RUST_TEST_THREADS="${RUST_TEST_THREADS:-4}" \
            "$executable" "$@" </dev/null 9<&- || status=$?
    done
    return "$status"
}

# A checkout in a directory that the test user cannot enter (/root, mktemp -d) is shown to it at the same path, in a
# mount namespace of its own: compiled into the tests are absolute paths.
reachable() { [ "$(id -u)" != 0 ] || "${as_user[@]}" test -r "$checkout/Cargo.toml" -a -x "${executables[0]}"; }
show_checkout() {
    local hidden=/ part
    IFS=/ read -ra parts <<<"${checkout#/}"
    for part in "${parts[@]}"; do
        hidden=${hidden%/}/$part
        "${as_user[@]}" test -x "$hidden" || break
    done
    [ "$hidden" != "$checkout" ] || { chmod o+rx "$checkout"; return; }
    [[ $scratch/ != "$hidden"/* ]] || fail "\`$hidden\` must be open to everyone (chmod o+x)"
    local keep; keep=$(mktemp -d)
    mount --bind "$checkout" "$keep"
    mount -t tmpfs -o mode=755 tmpfs "$hidden"
    mkdir -p "$checkout"
    mount --move "$keep" "$checkout"
    rmdir "$keep"
    chmod o+rx "$checkout"
}

status=0
if reachable; then
    run_tests "$@" || status=$?
else
    export -f run_tests show_checkout fail
    declare -p checkout executables as_user scratch cache home user small >"$scratch/.env"
    unshare --mount --propagation private bash -euc '
        . "$1/.env"; rm "$1/.env"; shift
        show_checkout; cd "$checkout"; run_tests "$@"' bash "$scratch" "$@" || status=$?
fi

# Everything the tests started has the scratch directory in its environment or arguments; everything that ran inside
# a container has one of the user's subordinate IDs.
leftover_processes() {
    local dir pid uid start count
    for dir in /proc/[0-9]*; do
        pid=${dir#/proc/}
        [ "$pid" != $$ ] && [ "$pid" != "$BASHPID" ] || continue
        if { tr '\0' '\n' <"$dir/environ"; tr '\0' '\n' <"$dir/cmdline"; } 2>/dev/null | grep -qF "$scratch"; then
            echo "$pid $(tr '\0' ' ' <"$dir/cmdline")"
            continue
        fi
        uid=$(stat -c %u "$dir" 2>/dev/null) || continue
        while read -r start count; do
            if ((uid >= start && uid < start + count)); then echo "$pid uid $uid $(tr '\0' ' ' <"$dir/cmdline")"; break; fi
        done < <(subordinate_ids "$user")
    done 2>/dev/null
}
left=0
if [ -n "$small" ]; then
    if [ -n "$(ls -A "$small")" ]; then echo "left behind: files in $small"; left=1; fi
    umount "$small" && rmdir "$small"
fi
complain() { [ -z "$2" ] || { printf 'left behind, %s:\n%s\n' "$1" "$2"; left=1; }; }
complain processes "$(leftover_processes | sort -u)"
complain mounts "$(grep -F "$scratch" /proc/self/mountinfo || true)"
complain files "$(find "$scratch" -mindepth 1 -maxdepth 3 | head -40)"
if [ "$(id -u)" = 0 ]; then
    complain files "$(find /tmp /var/tmp /dev/shm /run -xdev \( -path "$scratch" -o -path "$checkout" \) -prune -o \
        -user "$user" -newer "$cache/.started" -print 2>/dev/null | head -40)"
fi
if [ -z "${KEEP:-}" ]; then
    rm -rf "$scratch" 2>/dev/null || echo "could not remove $scratch"
fi
if ((left)); then
    echo "test.sh: the tests left something behind"
    exit 1
fi
if ((status)); then
    echo "test.sh: tests failed"
    exit 1
fi
echo "test.sh: all tests passed, and left nothing behind"
