#!/bin/bash
# network.sh DIR - measure networks with DIR/coracle and with podman where it is installed, and add the figures to
# DIR/results/figures (see measure.sh): Gbit/s, requests per second, kB. DIR/network.tar is a root file system with nginx, iperf3 and
# dig, and DIR/tools the same, unpacked: its iperf3 and wrk are the callers. Everything it makes, it removes.
#   environment: SETUPS (all)  SECONDS_EACH (2)  ROUNDS (5): the best of so many counts, as other work can only make a figure worse
set -euo pipefail
dir=$1 each=${SECONDS_EACH:-2} rounds=${ROUNDS:-5}
out=$dir/results/figures
work=$(mktemp -d)
mkdir -p "$dir/results"
host=$(ip -4 route get 192.0.2.1 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p')
server=

# Programs of another system than this one.
loader=$(echo "$dir"/tools/usr/lib/*/ld-linux-*.so.*)
tool() {
    local name=$1; shift
    "$loader" --library-path "${loader%/*}" "$dir/tools/usr/bin/$name" "$@"
}

# The setups, with what `run` gets.
setups=(coracle coracle-pasta)
if command -v podman >/dev/null; then setups+=(podman-pasta podman-bridge podman-slirp); fi
[ -z "${SETUPS:-}" ] || read -ra setups <<<"$SETUPS"
declare -A options=([coracle]="--network bridge" [coracle-pasta]="--network bridge" [podman-pasta]="--network pasta" [podman-bridge]="--network bridge" [podman-slirp]="--network slirp4netns")
printf '[network]\ndefault_rootless_network_cmd = "pasta"\n' >"$work/pasta.conf"
engine() {
    local setup=$1; shift
    case $setup in
    coracle) "$dir/coracle" --root "$work/r" --runroot "$work/n" "$@" ;;
    coracle-pasta) CONTAINERS_CONF=$work/pasta.conf "$dir/coracle" --root "$work/p" --runroot "$work/p.run" "$@" ;;
    podman-*) podman --root "$work/$setup" --runroot "$work/$setup.run" "$@" ;;
    esac
}

cleanup() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    for setup in "${setups[@]}"; do engine "$setup" rm -f -a -t 0 >/dev/null 2>&1 || true; done
    for setup in coracle podman-bridge; do engine "$setup" network rm -f bench >/dev/null 2>&1 || true; done
    "$dir/coracle" --root "$work/r" --runroot "$work/n" unshare rm -rf "$work" 2>/dev/null || rm -rf "$work"
}
trap cleanup EXIT

# figure KEY COMMAND: the largest number that the command, called with a setup, prints for it. All setups have their turn in each
# round, so that other work on the machine is the same for all of them. One that fails has no figure.
figure() {
    local key=$1 setup value; shift
    declare -A best=()
    for ((round = 0; round < rounds; round++)); do
        for setup in "${running[@]}"; do
            value=$(undisturbed "$@" "$setup" 2>"$work/err") || value=
            best[$setup]=$(printf '%s\n%s\n' "${best[$setup]:-}" "$value" | sort -g | tail -n 1)
        done
    done
    for setup in "${running[@]}"; do
        if [ "${best[$setup]}" ]; then echo "$key.$setup ${best[$setup]}" | tee -a "$out"; else echo "$key.$setup failed"; fi
    done
}
# Runs the command again, after a pause, for as long as the machine's host took processors away while it ran: few of these
# machines may compute at full speed all the time.
undisturbed() {
    local before after value try
    for try in 1 2 3 4 5 6; do
        before=$(awk '/^cpu / { print $9 }' /proc/stat)
        value=$("$@") || return 1
        after=$(awk '/^cpu / { print $9 }' /proc/stat)
        # Hundredths of a second.
        if ((after - before <= each * 4)); then break; fi
        sleep "$((try * 2))"
    done
    echo "$value"
}
gigabits() { awk '/receiver/ { for (i = 1; i <= NF; i++) if ($i ~ /bits\/sec/) rate = $(i - 1) } END { if (rate == "") exit 1; printf "%.2f\n", rate }'; }
# What a figure is of; the last argument is the setup.
into() { tool iperf3 -c 127.0.0.1 -p "1${number[$1]}01" -t "$each" -f g | gigabits; }
back() { tool iperf3 -c 127.0.0.1 -p "1${number[$1]}01" -t "$each" -f g -R | gigabits; }
into_host() { tool iperf3 -c "$host" -p "1${number[$1]}01" -t "$each" -f g | gigabits; }
# The pasta of Debian 13 now and then forgets the end of a connection, so that iperf3 waits for ever.
from_container() { engine "$1" exec srv timeout "$((each * 4))" iperf3 -c "${outside[$1]}" -p 25201 -t "$each" -f g | gigabits; }
between() { [ "${address[$1]:-}" ] && engine "$1" exec two iperf3 -c "${address[$1]}" -t "$each" -f g | gigabits; }
requests() { tool wrk -t 1 -d "$each" -c 50 "http://127.0.0.1:1${number[$1]}80/" | awk '/Requests\/sec/ { print $2 }'; }
connections() {
    tool wrk -t 1 -d "$each" -c 20 -H 'Connection: close' "http://127.0.0.1:1${number[$1]}80/" | awk '/Requests\/sec/ { print $2 }'
}
# Private memory of all that networks need, but for monitors.
memory() {
    local sum=0 pid name
    for pid in /proc/[0-9]*; do
        name=$(tr '\0' ' ' 2>/dev/null <"$pid/cmdline") || continue
        case $name in
        coracle-anchor* | *slirp4netns\ * | *pasta\ * | *pasta.avx2\ * | *rootlessport* | *aardvark-dns*)
            sum=$((sum + $(awk '/^Private_/ { sum += $2 } END { print sum + 0 }' "$pid/smaps_rollup" 2>/dev/null || echo 0))) ;;
        esac
    done
    echo "$sum"
}
median() { sort -g | awk '{ all[NR] = $1 } END { if (NR) print all[int((NR + 1) / 2)] }'; }
# starts SETUP: the median times of a container with its network and of one without, in turns: the kernel cleans up after the one
# while the next one starts.
starts() {
    local begin n kind network
    for ((n = 0; n < rounds * 5; n++)); do
        for kind in start start_none; do
            network="--network none"
            if [ "$kind" = start ]; then network=${options[$1]}; fi
            begin=$(date +%s%N)
            # shellcheck disable=SC2086
            engine "$1" run --rm $network localhost/net true >/dev/null 2>&1
            echo $((($(date +%s%N) - begin) / 1000)) >>"$work/$kind"
        done
    done
    for kind in start start_none; do
        echo "net_$kind.$1 $(median <"$work/$kind" | awk '{ print $1 / 1000 }')" | tee -a "$out"
        rm "$work/$kind"
    done
}

for setup in "${setups[@]}"; do engine "$setup" import -q "$dir/network.tar" localhost/net >/dev/null 2>&1; done
tool iperf3 -s -p 25201 >/dev/null 2>&1 &
server=$!

# Two containers for each setup.
declare -A number=() outside=() address=()
running=() n=50
for setup in "${setups[@]}"; do
    n=$((n + 1))
    number[$setup]=$n
    # shellcheck disable=SC2086
    engine "$setup" run -d --name srv ${options[$setup]} -p "1${n}01:5201" -p "1${n}80:80" localhost/net \
        sh -c 'iperf3 -s -D; exec nginx -g "daemon off;"' >/dev/null || continue
    running+=("$setup")
    for _ in {1..100}; do if (exec 3<>"/dev/tcp/127.0.0.1/1${n}80") 2>/dev/null; then break; fi; sleep 0.1; done
    outside[$setup]=$(engine "$setup" exec srv awk '$2 == "host.containers.internal" { print $1; exit }' /etc/hosts)
    outside[$setup]=${outside[$setup]:-$host}
    case $setup in
    coracle* | podman-bridge)
        engine "$setup" run -d --name two ${options[$setup]} localhost/net sleep 100000 >/dev/null
        address[$setup]=$(engine "$setup" exec srv hostname -I | cut -d ' ' -f 1) ;;
    esac
done
# Before there was traffic, so that nothing of it is left to be cleaned up meanwhile.
for setup in "${running[@]}"; do starts "$setup"; done
figure net_in into
figure net_back back
if [ "$host" ]; then figure net_in_host into_host; fi
figure net_out from_container
figure net_between between
figure net_wrk requests
figure net_wrk_close connections

for setup in "${running[@]}"; do
    before=$(memory)
    # shellcheck disable=SC2086
    for n in 1 2 3 4 5; do engine "$setup" run -d --name "m$n" ${options[$setup]} localhost/net sleep 100000 >/dev/null; done
    echo "net_memory.$setup $((($(memory) - before) / 5))" | tee -a "$out"
    for n in 1 2 3 4 5; do engine "$setup" rm -f -t 0 "m$n" >/dev/null; done
    case $setup in
    coracle | podman-bridge)
        engine "$setup" network create bench >/dev/null
        engine "$setup" run -d --name named --network bench localhost/net sleep 100000 >/dev/null
        # The first question of a new container, as dig measures it, in microseconds.
        ask() { engine "$setup" run --rm --network bench localhost/net dig -u named | sed -n 's/^;; Query time: \([0-9]*\) usec.*/\1/p'; }
        echo "net_dns.$setup $(for ((n = 0; n < rounds * 3; n++)); do ask; done | median)" | tee -a "$out"
        engine "$setup" rm -f -t 0 named >/dev/null
        engine "$setup" network rm -f bench >/dev/null ;;
    esac
    engine "$setup" rm -f -a -t 0 >/dev/null
done
