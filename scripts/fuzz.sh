# shellcheck shell=bash
# Schemathesis reads the API's document and tries what it allows, and what it does not, on a real server.
# Sourced by `dev`.
#
# In `./dev test` it is deterministic: the same requests each time, so that a run fails for a change and not by
# chance. `./dev soak` gives it new seeds.

schemathesis_version=4.32.5

# Checks that do not hold of this API, and why:
# positive_data_acceptance: rules between fields and objects that exist cannot be said in a schema, so what fits
#   the schema may still be refused with 422.
fuzz_without=positive_data_acceptance
# Tested elsewhere: streams, which do not end, and archives, which no generator of JSON writes.
fuzz_skipped=(/api/v1/events "/api/v1/jobs/{id}/logs/stream" "/api/v1/agent/attempts/{id}/outputs/{index}")

check_fuzz() { fuzz --seed 1 --generation-deterministic --max-examples "${FUZZ_EXAMPLES:-6}"; }

# fuzz OPTION…: as an administrator and as a member, each against a platform of its own.
fuzz() {
    build_for_tests
    python_tool schemathesis "schemathesis==$schemathesis_version"
    with_walk_settings
    state=$work/fuzz data_dir=$work/fuzz-data
    mkdir -p "$state"
    chmod 755 "$work"
    export LILAC_WRITES_PER_SECOND=0 LILAC_LOGINS_PER_MINUTE=0 LILAC_LOG=warn
    local code=0 who options=()
    start_server
    log_in
    "$target_dir/debug/server" openapi >"$work/openapi.json"
    for path in "${fuzz_skipped[@]}"; do options+=(--exclude-path "$path"); done
    make_password_of member
    cli user create member --role member --password-stdin <"$state/member-password" >/dev/null
    for who in admin member; do
        say "fuzz: as $who"
        fuzz_as "$who" "${options[@]}" "$@" || code=1
    done
    if grep -aE '"?(ERROR|panicked)' "$state/logs/server.log"; then
        warn "the server logged errors"
        code=1
    fi
    halt server 15
    stop_database "$data_dir"
    return $code
}

make_password_of() { (umask 077 && head -c 15 /dev/urandom | base64 | tr '+/' '-_' >"$state/$1-password"); }

# fuzz_as WHO OPTION…: with a key of its own, which is given in a file, not on the command line.
fuzz_as() {
    local who=$1 key
    shift
    key=$(LILAC_CONFIG=$state/$who.toml fuzz_key "$who")
    (umask 077 && cat >"$state/schemathesis.toml" <<END
base-url = "$(url)"
headers = { Authorization = "Bearer $key" }
END
    )
    (cd "$state" && HYPOTHESIS_STORAGE_DIRECTORY=$state/hypothesis "$target_dir/tools/schemathesis/bin/schemathesis" \
        --config-file "$state/schemathesis.toml" run "$work/openapi.json" \
        --checks all --exclude-checks "$fuzz_without" --no-color --warnings off \
        --suppress-health-check all --request-timeout 30 "$@")
}

fuzz_key() {
    env -u LILAC_TOKEN LILAC_SERVER="$(url)" "$bin/lilac_cli" login --username "$1" --password-stdin <"$state/$1-password" >/dev/null
    env -u LILAC_TOKEN LILAC_SERVER="$(url)" "$bin/lilac_cli" key create --name fuzz -q
}

# Runs with new seeds until it is stopped or something is found.
soak_fuzz() {
    local seed
    while seed=$RANDOM$RANDOM; do
        say "fuzz: seed $seed"
        (work=$(mktemp -d /tmp/lilac-soak-XXXXXX) && trap 'stop_what_tests_started' EXIT && fuzz --seed "$seed" --generation-database none --max-examples 100) || return 1
    done
}

# A million schedules of faults, drawn from seeds that were not tried before.
soak_protocol() {
    local first=$((RANDOM * 32768 + RANDOM))000000
    say "protocol: a million schedules from seed $first"
    cargo run --release --locked --quiet -p lilac_sim -- protocol --seeds 1000000 --first "$first"
}
