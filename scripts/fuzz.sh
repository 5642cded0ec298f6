#!/bin/sh
# fuzz.sh - run each target of fuzz/ for $SECONDS_EACH seconds (default 60).
set -eu
cd "$(dirname "$0")/.."
if ! command -v cargo-fuzz >/dev/null; then
    echo "cargo-fuzz is not installed: cargo install --locked cargo-fuzz" >&2
    exit 1
fi
for target in $(cargo fuzz list); do
    echo "== $target"
    mkdir -p "fuzz/corpus/$target"
    # The explicit target and static linking of .cargo/config.toml do not go together with the sanitizers.
    RUSTC_BOOTSTRAP=1 RUSTFLAGS= cargo fuzz run --sanitizer none "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- -max_total_time="${SECONDS_EACH:-60}" -timeout=10
done
