# Makes the table of `make bench` from lines `KEY VALUE`.

{ value[$1] = $2 }

END {
    printf "\n%-42s %12s %20s %9s  %s\n", "work", "coracle", "beside", "ratio", "wanted"
    ratio("run --rm --network none IMAGE true", "run_none", "podman", 8)
    ratio("  the same, a bundle", "run_none", "crun", 1)
    ratio("run --rm IMAGE true (default network)", "run_network", "podman", 6)
    ratio("exec NAME true", "exec", "podman", 10)
    ratio("ps -a, 200 containers", "ps", "podman", 8)
    ratio("--version", "version", "podman", 8)
    ratio("images", "images", "podman", 8)
    ratio("pull, 170 MB in one layer", "pull_one", "podman", 3)
    ratio("pull, 170 MB in eight layers", "pull_eight", "podman", 3)
    ratio("pull, nothing new", "pull_again", "podman", 3)
    ratio("load, 170 MB", "load", "podman", 3)
    ratio("push, 170 MB to be compressed", "push_plain", "podman", 2)
    ratio("push, 170 MB pulled as gzip", "push_gzip", "podman", 2)
    bound("  zcat | tar x, the same files", "unpack.tar")
    bound("  cp -a, the same files", "copy.cp")
    limit("memory of a pull of eight layers, MB", "pull_eight.coracle.memory", megabytes("pull_eight.coracle.memory"), 64,
        ("pull_eight.podman.memory" in value) ? "podman " megabytes("pull_eight.podman.memory") : "")
    ratio("images, 300 of them", "images_300", "podman", 8)
    ratio("rmi of 50 of 300 images", "rmi_50", "podman", 8)
    more("first container of another mapping", "userns_first", "userns_default", 200)
    more("container of --userns=auto", "userns_auto", "userns_default", 200)
    ratio("20 parallel run --rm", "parallel", "podman", 8)
    if (("parallel.coracle" in value) && ("sequential.coracle" in value))
        line("20 parallel / 20 sequential", ms(value["parallel.coracle"]), "sequential " ms(value["sequential.coracle"]),
            sprintf("%.2f", value["parallel.coracle"] / value["sequential.coracle"]), "near 0.50",
            value["parallel.coracle"] / value["sequential.coracle"] <= 0.6)
    limit("private memory of a monitor, kB", "memory.coracle", value["memory.coracle"], 300,
        ("memory.podman" in value) ? "conmon " value["memory.podman"] : "")
    rate("into a container by a port, Gbit/s", "net_in")
    rate("  out of it by the same port", "net_back")
    rate("  into it from an address of the host", "net_in_host")
    rate("out of a container to the host, Gbit/s", "net_out")
    rate("container to container, Gbit/s", "net_between")
    rate("HTTP by a port, requests/s", "net_wrk")
    rate("  a connection for each request", "net_wrk_close")
    if (("net_start.coracle" in value) && ("net_start_none.coracle" in value))
        limit("start on a bridge, ms more than none", "net_start.coracle",
            sprintf("%.1f", value["net_start.coracle"] - value["net_start_none.coracle"]), 4,
            ("net_start.podman-bridge" in value) ? sprintf("podman %.0f", value["net_start.podman-bridge"] - value["net_start_none.podman-bridge"]) : "")
    if ("net_memory.coracle" in value) limit("network memory of a further container, kB", "net_memory.coracle", value["net_memory.coracle"], 100,
        ("net_memory.podman-pasta" in value) ? "pasta " value["net_memory.podman-pasta"] : "")
    if ("net_dns.coracle" in value) limit("first answer of DNS, microseconds", "net_dns.coracle", value["net_dns.coracle"], 1000,
        ("net_dns.podman-bridge" in value) ? "podman " value["net_dns.podman-bridge"] : "")
    limit("binary, MB", "binary.coracle", sprintf("%.1f", value["binary.coracle"] / 1e6), 12, "")
}

function ms(time) { return sprintf(time < 100 ? "%.1f ms" : "%.0f ms", time) }

function ratio(work, key, peer, wanted,    ours, theirs) {
    ours = key ".coracle"; theirs = key "." peer
    if (!(ours in value) && !(theirs in value)) return
    if (!(ours in value)) line(work, "-", peer " " ms(value[theirs]), "-", "x " wanted, 0)
    else if (!(theirs in value)) line(work, ms(value[ours]), "-", "-", "x " wanted, -1)
    else line(work, ms(value[ours]), peer " " ms(value[theirs]), sprintf("x %.1f", value[theirs] / value[ours]), "x " wanted,
        value[theirs] / value[ours] >= wanted)
}

# A rate, the better of our uplinks beside podman's best mode.
function rate(work, key,    ours, theirs) {
    ours = larger(key ".coracle", key ".coracle-pasta")
    theirs = larger(key ".podman-bridge", larger(key ".podman-pasta", key ".podman-slirp"))
    if (!(ours in value)) return
    if (!(theirs in value)) line(work, value[ours], "-", "-", "x 1", -1)
    else line(work, value[ours], substr(theirs, index(theirs, ".") + 1) " " value[theirs], sprintf("x %.2f", value[ours] / value[theirs]),
        "x 1", value[ours] >= value[theirs])
}

function larger(a, b) {
    if (!(a in value)) return b
    if (!(b in value)) return a
    return value[a] + 0 >= value[b] + 0 ? a : b
}

# How much longer than something else it takes.
function more(work, key, base, most,    ours, theirs) {
    if (!((key ".coracle") in value) || !((base ".coracle") in value)) return
    ours = value[key ".coracle"] - value[base ".coracle"]
    if (((key ".podman") in value) && ((base ".podman") in value))
        theirs = "podman +" ms(value[key ".podman"] - value[base ".podman"])
    line(work, "+" ms(ours), theirs, "-", "at most +" most, ours <= most)
}

# What bounds the figures above.
function bound(work, key) {
    if (key in value) line(work, "", ms(value[key]), "-", "", -1)
}

function megabytes(key) { return sprintf("%.1f", value[key] / 1e6) }

function limit(work, key, shown, most, beside) {
    if (key in value) line(work, shown, beside, "-", "at most " most, shown + 0 <= most)
}

function line(work, ours, beside, figure, wanted, good) {
    printf "%-42s %12s %20s %9s  %-12s %s\n", work, ours, beside, figure, wanted, good < 0 ? "" : good ? "ok" : "MISSED"
}
