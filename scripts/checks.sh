# shellcheck shell=bash
# All tests, part by part. Every part runs, whatever became of the others; the summary tells.
# Sourced by `dev`.

nextest_version=0.9.143
sqlx_version=0.9.0
parts=(scripts fmt clippy rust doc openapi migrate frontend walk python fuzz)

run_checks() {
    local chosen=("$@") part known
    [ ${#chosen[@]} -gt 0 ] || chosen=("${parts[@]}")
    for part in "${chosen[@]}"; do
        known=no
        for name in "${parts[@]}"; do [ "$name" != "$part" ] || known=yes; done
        [ $known = yes ] || die "there is no part \`$part\`; choose from: ${parts[*]}"
    done
    exec </dev/null
    need_for_tests

    work=$(mktemp -d /tmp/lilac-test-XXXXXX)
    # PostgreSQL runs as another user under root, and must get to its folder.
    chmod 755 "$work"
    trap 'stop_what_tests_started' EXIT
    trap 'exit 130' INT TERM
    export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-auto} RUST_BACKTRACE=${RUST_BACKTRACE:-0}
    unset DATABASE_URL

    local passed=0 failed=0 began code lines=()
    for part in "${chosen[@]}"; do
        say "test: $part"
        began=$SECONDS
        set +e
        (
            set -e
            "check_$part"
        ) 2>&1 | tee "$work/$part.log"
        code=${PIPESTATUS[0]}
        set -e
        count "$part" "$code"
        passed=$((passed + part_passed))
        failed=$((failed + part_failed))
        lines+=("$(printf '%-9s %-7s %4d s  %s' "$part" "$([ "$code" = 0 ] && echo passed || echo FAILED)" \
            $((SECONDS - began)) "$part_words")")
    done
    printf '\n'
    printf '%s\n' "${lines[@]}"
    stop_what_tests_started
    printf '%s passed, %s failed\n' "$passed" "$failed"
    [ "$failed" = 0 ]
}

# count PART CODE: what the part's own runner says it ran; a part without one counts as a single test.
count() {
    local log=$work/$1.log summary
    part_passed=0 part_failed=0 part_words=""
    case $1 in
    rust) summary=$(plain "$log" | grep -E '^ *Summary \[' | tail -n 1 || true) ;;
    python) summary=$(plain "$log" | grep -E '[0-9]+ (passed|failed).* in [0-9.]+s' | tail -n 1 || true) ;;
    frontend) summary=$(plain "$log" | grep -E '^ *Tests +[0-9]' | tail -n 1 || true) ;;
    walk) summary=$(plain "$log" | grep -E '^ +[0-9]+ (passed|failed)' | tr '\n' ' ' || true) ;;
    *) summary="" ;;
    esac
    if [ -n "$summary" ]; then
        part_words=$(printf '%s' "$summary" | sed 's/^ *//; s/ *$//')
        part_passed=$(printf '%s' "$summary" | grep -oE '[0-9]+ passed' | grep -oE '^[0-9]+' || echo 0)
        part_failed=$(printf '%s' "$summary" | grep -oE '[0-9]+ failed' | grep -oE '^[0-9]+' || echo 0)
    fi
    # A part that failed for another reason than a test, or that has no tests to count.
    if [ "$2" != 0 ] && [ "$part_failed" = 0 ]; then part_failed=1; fi
    if [ "$2" = 0 ] && [ "$part_passed" = 0 ]; then part_passed=1; fi
}

plain() { sed 's/\x1b\[[0-9;]*m//g' "$1"; }

check_scripts() { lint_scripts; }

lint_scripts() { shellcheck --external-sources --check-sourced dev .ci/run; }

check_fmt() { cargo fmt --all --check; }

check_clippy() { cargo clippy --workspace --all-targets --locked -- -D warnings; }

# One build serves all parts: the programs and the tests, with the same features.
build_for_tests() { cargo build --workspace --all-targets --locked; }

check_rust() {
    build_frontend
    build_for_tests
    if ! have cargo-nextest; then cargo_tool cargo-nextest "$nextest_version"; fi
    export PATH=$target_dir/tools/bin:$PATH
    if have python3; then need_moto; fi
    local database
    database=$(test_database)
    # The provider for the tests of single sign-on, which say that they are skipped where there is none.
    if node_tool oauth2-mock-server 8.2.3; then
        export LILAC_TEST_NODE_TOOLS=$target_dir/tools/node
    else
        warn "no Node packages here: the tests of single sign-on are skipped"
    fi
    DATABASE_URL=$database cargo nextest run --workspace --locked --profile ci
}

check_doc() { cargo test --workspace --doc --locked --quiet; }

# The document that the UI's client is made from is the one that the server serves.
check_openapi() {
    build_for_tests
    if ! "$target_dir/debug/server" openapi | diff -u docs/openapi.json -; then
        warn "docs/openapi.json is stale: \`cargo run --bin server openapi > docs/openapi.json\`"
        return 1
    fi
}

# The way of the README: migrations by hand, then the server on what they made.
check_migrate() {
    build_for_tests
    cargo_tool sqlx-cli "$sqlx_version" --debug --no-default-features --features postgres,rustls
    local sqlx=$target_dir/tools/bin/sqlx database
    database=$(test_database)
    # postgres://lilac@localhost:5432/lilac?host=… with another name for the database
    export DATABASE_URL=${database/\/lilac\?/\/lilac_migrated\?}
    "$sqlx" database create
    "$sqlx" migrate run
    "$sqlx" migrate run
    if "$sqlx" migrate info | grep -v installed; then return 1; fi
    with_walk_settings
    start_server
    halt server 15
}

check_frontend() {
    check_frontend_packages
    cd frontend
    npm run lint
    npm test
    if [ -n "$(git status --porcelain package-lock.json)" ]; then
        warn "npm install changed package-lock.json: commit what it wants"
        return 1
    fi
}

# A dockerd for the parts of the tests that need a node.
start_walk_docker() {
    with_walk_settings
    export DOCKER_HOST=unix://$work/d.sock
    launch_walk_docker dockerd "$work"
}

# launch_walk_docker NAME FOLDER: a dockerd at DOCKER_HOST, with the image of the tests. It knows NVIDIA's toolkit by a
# hook, which gives nothing here, as there is nothing to give.
launch_walk_docker() {
    mkdir -p "$2/hooks"
    printf '#!/bin/sh\nexit 0\n' >"$2/hooks/nvidia-container-runtime-hook"
    chmod +x "$2/hooks/nvidia-container-runtime-hook"
    local -x PATH=$PATH:$2/hooks
    docker_answers || launch "$1" "" dockerd -H "$DOCKER_HOST" --data-root "$2/docker" --exec-root "$2/exec" \
        --pidfile "$2/docker.pid" --bridge none --iptables=false --ip-masq=false \
        --cgroup-parent "/$(basename "$work")"
    wait_for 30 docker_answers || {
        tail -n 5 "$state/logs/$1.log"
        return 1
    }
    import_image lilac/busybox:test
}

# start_walk_agent NAME CPUS GPUS: a further node with a Docker of its own, and GPUs that only seem to be there.
start_walk_agent() {
    local name=$1 cpus=$2 gpus=$3 config=$state/$1.toml nvml gpu
    local -x DOCKER_HOST=unix://$work/$1/d.sock
    launch_walk_docker "dockerd-$name" "$work/$name"
    nvml=$(find "$bin" -maxdepth 2 -name liblilac_fake_nvml.so -print -quit)
    cli cluster join-key create default --name "walk-$name" --expires-in 1h -q |
        cli agent configure --config "$config" --name "$name" --state-dir "$state/$name" --run-dir "$state/$name-run" \
            --docker-host "$DOCKER_HOST" --cpus "$cpus" --memory 2Gi --join-key-stdin >/dev/null
    for ((gpu = 0; gpu < gpus; gpu++)); do
        printf 'uuid=GPU-%s-%d\tname=NVIDIA H100 80GB HBM3\tmemory=%d\tused=0\tuse=0\ttemperature=%d\tpower=70000\n' \
            "$name" $gpu $((80 << 30)) $((30 + gpu))
    done >"$state/$name.gpus"
    # What stands in no table comes first.
    if [ "$gpus" != 0 ]; then sed -i "1i nvml = \"$nvml\"" "$config"; fi
    LILAC_SERVER=$(url) LILAC_FAKE_NVML=$state/$name.gpus launch "$name" "" "$bin/lilac_agent" --config "$config"
}

walk_nodes_are_ready() { [ "$(cli node ls -o jsonl 2>/dev/null | grep -c '"state": *"ready"')" = 3 ]; }

# The settings of a provider of single sign-on, which the walk starts at that address.
with_walk_provider() {
    if ! node_tool oauth2-mock-server 8.2.3; then
        warn "no Node packages here: the login by single sign-on is skipped"
        return
    fi
    export LILAC_TEST_NODE_TOOLS=$target_dir/tools/node LILAC_OIDC_CLIENT_ID=lilac LILAC_OIDC_NAME=Example
    export LILAC_OIDC_ISSUER LILAC_PUBLIC_URL
    LILAC_OIDC_ISSUER=http://127.0.0.1:$(free_port) LILAC_PUBLIC_URL=$(url)
}

# A browser walks through the UI of a platform of its own: dockerd, database, server, three agents.
check_walk() {
    if [ "$(id -u)" != 0 ]; then
        echo "skipped: a Docker daemon of its own needs root"
        return
    fi
    build_frontend
    build_for_tests
    check_frontend_packages
    start_walk_docker
    with_walk_provider
    DATABASE_URL=$(test_database) start_server
    log_in
    start_agent
    start_walk_agent gpus 4 8
    start_walk_agent small 1 0
    wait_for 60 walk_nodes_are_ready || die "the nodes of the walk did not join; see $state/logs"
    cd frontend
    LILAC_URL=$(url) LILAC_USERNAME=admin LILAC_PASSWORD=$(cat "$state/admin-password") LILAC_TEST_BIN=$bin npm run e2e
}

# The Python package: its types, the API's document, and a platform of its own with a real node.
check_python() {
    if ! have python3; then
        echo "skipped: there is no python3"
        return
    fi
    python_tool lilac-python "httpx>=0.27,<1" "mypy==2.4.1" "pytest==9.2.0"
    local tools=$target_dir/tools/lilac-python/bin code=0
    export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$repo/python
    (cd python && "$tools/mypy" --cache-dir "$work/mypy")
    if [ "$(id -u)" != 0 ]; then
        echo "without a real node: a Docker daemon of its own needs root"
        "$tools/pytest" -q -p no:cacheprovider -ra python
        return
    fi
    build_for_tests
    start_walk_docker
    state=$work/python data_dir=$work/python-data
    mkdir -p "$state"
    chmod 755 "$work"
    start_server
    log_in
    start_agent
    LILAC_CONFIG=$state/cli.toml LILAC_SERVER='' LILAC_TOKEN='' LILAC_TEST_IMAGE=lilac/busybox:test \
        "$tools/pytest" -q -p no:cacheprovider -ra python || code=1
    stop_python_platform
    return $code
}

stop_python_platform() {
    (
        state=$work/python bin=$target_dir/debug
        halt agent 15
        remove_containers
        halt server 15
        rm -rf "$(agent_run_dir)"
    )
    stop_database "$work/python-data"
}

# A platform beside that of `up`, which may be running.
with_walk_settings() {
    state=$work/walk
    bin=$target_dir/debug
    data_dir=$work/data
    port=$(free_port)
    mkdir -p "$state"
}

free_port() {
    node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => {
        console.log(s.address().port); s.close(); })'
}

# The URL of a PostgreSQL for tests, started once.
test_database() {
    LILAC_LOG=warn LILAC_DATA_DIR=$work/data "$target_dir/debug/server" db start --volatile
}

# Each part ran in a shell of its own, so what to stop is found in the folder.
stop_what_tests_started() {
    trap - EXIT
    [ -n "${work:-}" ] && [ -d "$work" ] || return 0
    (
        state=$work/walk bin=$target_dir/debug data_dir=$work/data
        export DOCKER_HOST=unix://$work/d.sock
        halt agent 15
        halt gpus 15
        halt small 15
        remove_containers
        for node in gpus small; do
            DOCKER_HOST=unix://$work/$node/d.sock remove_containers
            halt "dockerd-$node" 30
        done
        halt server 15
        if [ -x "$bin/server" ]; then LILAC_LOG=warn LILAC_DATA_DIR=$work/data "$bin/server" db stop >/dev/null; fi
        stop_python_platform
        (state=$work/fuzz && halt server 15)
        stop_database "$work/fuzz-data"
        halt dockerd 30
        rm -rf "$(agent_run_dir)"
        local mount
        while read -r mount; do umount "$mount" || true; done < <(
            sed -n "s|^[^ ]* \($work/[^ ]*\) .*|\1|p" /proc/mounts 2>/dev/null | sort -r
        )
        find /sys/fs/cgroup -depth -type d -path "*/$(basename "$work")*" -exec rmdir {} + 2>/dev/null || true
    ) || warn "not all that the tests started could be stopped; see $work"
    rm -rf "$work"
}
