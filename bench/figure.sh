# shellcheck shell=bash disable=SC2154
# figure.sh - what scripts that measure commands share. They have set `few`, `work` and `out`.

# figure KEY PREPARATION COMMAND: median time of hyperfine's runs, the preparation not counted.
figure() {
    local key=$1 prepare=$2 command=$3
    if hyperfine -N --warmup 1 --runs "$few" --prepare "$prepare" --export-json "$work/json" "$command" \
        >/dev/null 2>"$work/err"; then
        awk -v key="$key" -F'[:,]' '/"median"/ { printf "%s %.3f\n", key, $2 * 1000; exit }' "$work/json" | tee -a "$out"
    else
        echo "$key failed: $(tail -n 2 "$work/err" | tr '\n' ' ')"
    fi
}
