# shellcheck shell=bash
# The platform on this machine: server, database, one agent. Sourced by `dev`.
#
# What differs between `up` and the browser's walk in `test` stands in these variables.

port=${LILAC_PORT:-8080}
bin=$target_dir/release
data_dir=$home

url() { printf 'http://127.0.0.1:%s' "$port"; }

cli() { env -u LILAC_TOKEN LILAC_CONFIG="$state/cli.toml" LILAC_SERVER="$(url)" "$bin/lilac_cli" "$@"; }

up() {
    local docker=yes
    lock
    need_rust
    need_node
    need_database
    install_wanted || die "Lilac needs what is named above"
    need_docker
    install_wanted || docker=no
    build_frontend
    build_release
    [ $docker = no ] || start_docker || docker=no
    start_server
    log_in
    if [ $docker = yes ]; then
        start_agent
        run_first_job
    fi
    tell_where
    if [ $docker = no ]; then
        warn "no agent was started, as there is no Docker (see above): jobs wait until a node joins"
    fi
}

# start_server [VARIABLE=VALUE…]
start_server() {
    make_password
    local current
    current="$(fingerprint "$bin/server") $port ${DATABASE_URL:+own}"
    if runs_as server "$current" && healthy "$port"; then return; fi
    halt server 15
    if port_is_taken "$port"; then
        die "port $port of 127.0.0.1 is taken by another program; choose another: LILAC_PORT=$((port + 1)) ./dev up"
    fi
    say "starting the server"
    # From a folder of its own, so that an .env in the repository does not reach it.
    (cd "$state" && LILAC_LISTEN=127.0.0.1:$port LILAC_DATA_DIR=$data_dir \
        LILAC_ADMIN_PASSWORD=$(cat "$state/admin-password") launch server "$current" "$bin/server")
    if ! wait_for 60 healthy_or_ended || ! healthy "$port"; then
        tail -n 15 "$state/logs/server.log" >&2
        die "the server did not start; its log: $state/logs/server.log"
    fi
}

healthy_or_ended() { healthy "$port" || ! runs server; }

# Made once; whoever may read this file is the administrator.
make_password() {
    mkdir -p "$state"
    [ ! -s "$state/admin-password" ] || return 0
    (umask 077 && head -c 15 /dev/urandom | base64 | tr '+/' '-_' >"$state/admin-password")
}

log_in() {
    if cli whoami >/dev/null 2>&1; then return; fi
    if ! cli login --username admin --password-stdin <"$state/admin-password" >/dev/null; then
        die "cannot log in as admin (see above); if its password was changed, write the new one to $state/admin-password"
    fi
}

start_agent() {
    local config=$state/agent.toml current
    local settings=(--config "$config" --name local --state-dir "$state/agent" --run-dir "$(agent_run_dir)"
        --docker-host "${DOCKER_HOST:-unix://$docker_socket}")
    if [ -e "$state/agent/credential.json" ]; then
        # It has joined; what it is told may have changed since.
        cli agent configure "${settings[@]}" >/dev/null
    else
        say "making a join key, with which the agent joins the cluster \`default\`"
        cli cluster join-key create default --name "dev-$(date +%s)" --expires-in 1h -q |
            cli agent configure "${settings[@]}" --join-key-stdin >/dev/null
    fi
    current="$(fingerprint "$bin/lilac_agent" "$config") $port"
    if ! runs_as agent "$current"; then
        halt agent 15
        say "starting the agent"
        LILAC_SERVER=$(url) launch agent "$current" "$bin/lilac_agent" --config "$config"
    fi
    if ! wait_for 30 node_is_ready; then
        tail -n 15 "$state/logs/agent.log" >&2
        die "the agent did not join; its log: $state/logs/agent.log"
    fi
}

# Its files are void after a reboot, so they belong where a reboot removes them.
agent_run_dir() {
    if [ "$(id -u)" = 0 ] && [ -d /run ]; then
        printf '/run/lilac-dev-%s' "$(printf '%s' "$state" | cksum | cut -d' ' -f1)"
    else
        printf '%s' "$state/run"
    fi
}

node_is_ready() { cli node ls -o json 2>/dev/null | grep -q '"state": *"ready"'; }

run_first_job() {
    import_image lilac/hello:latest
    say "running a first job: lilac_cli submit --image lilac/hello:latest --run '…' --follow"
    # shellcheck disable=SC2016 # the container's shell expands these
    cli submit --name hello --image lilac/hello:latest --network none --cpus 0.1 --memory 32Mi --follow --run '
        echo "Hello from $LILAC_JOB_NAME, a container on $(uname -sr)."
        for i in 1 2 3; do echo "step $i of 3"; done' 2>&1
}

tell_where() {
    cat <<END

  Lilac runs at    $(paint 1 "$(url)")
  User             admin
  Password         in the file $state/admin-password
  Command line     export LILAC_CONFIG=$state/cli.toml PATH=$bin:\$PATH
                   lilac_cli submit --name mine --image lilac/hello:latest --run 'echo hello' --follow
  More             ./dev status · ./dev logs · ./dev down
END
}

down() {
    [ -d "$home" ] || {
        say "nothing runs: there is no $home"
        return
    }
    lock
    stop_platform
    stop_docker
    wait_for 6 all_cleared || true
    say "all is stopped"
    [ "${1:-}" = --purge ] || return 0
    [ -e "$state/admin-password" ] || die "$home does not look like made by \`./dev up\`; nothing is removed"
    say "removing the data in $home"
    rm -rf "$home/postgres" "$home"/postgres-* "$home/development" "$state"
    # What the server made beside them is left over now; a folder with anything foreign in it stays.
    rm -f "$home/secret.key"
    rmdir "$home" 2>/dev/null || warn "$home holds other files and stays"
}

stop_platform() {
    # First the agent, so that it does not start what is removed here.
    halt agent 15
    remove_containers
    halt server 20
    stop_database "$data_dir"
    stop_database "$home/development"
    rm -rf "$(agent_run_dir)"
}

# Those of our nodes only: other agents may use the same Docker.
remove_containers() {
    local node nodes containers
    nodes=$(sed -n 's/.*"node_id": *"\([^"]*\)".*/\1/p' "$state"/*/credential.json 2>/dev/null || true)
    if [ -z "$nodes" ] || ! docker_answers; then return 0; fi
    for node in $nodes; do
        containers=$(docker ps --all --quiet --filter "label=lilac.node=$node")
        [ -n "$containers" ] || continue
        say "removing the containers of node $node"
        # shellcheck disable=SC2086 # several ids
        docker rm --force $containers >/dev/null
    done
}

# stop_database FOLDER: the embedded one, if it runs; also when the programs have been removed.
stop_database() {
    local pid_file=$1/postgres/data/postmaster.pid
    [ -e "$pid_file" ] || return 0
    say "stopping PostgreSQL"
    if [ -x "$bin/server" ]; then
        env -u DATABASE_URL LILAC_LOG=warn LILAC_DATA_DIR="$1" "$bin/server" db stop >/dev/null
    elif kill -INT "$(head -n 1 "$pid_file")" 2>/dev/null; then
        wait_for 60 test ! -e "$pid_file" || warn "PostgreSQL in $1 does not end"
    fi
}

status() {
    local name
    for name in server agent dockerd; do
        if runs "$name"; then
            printf '%-10s runs, process %s\n' "$name" "$(pid_of "$name")"
        else
            printf '%-10s %s\n' "$name" "does not run"
        fi
    done
    local pid_file=$data_dir/postgres/data/postmaster.pid
    if [ -e "$pid_file" ] && [ -n "$(started_at "$(head -n 1 "$pid_file")")" ]; then
        printf '%-10s runs, process %s\n' database "$(head -n 1 "$pid_file")"
    else
        printf '%-10s does not run\n' database
    fi
    if runs server; then
        printf '\n%s  %s\n\n' "$(url)" "$(healthy "$port" && echo healthy || echo 'does not answer')"
        cli node ls
    fi
}

logs() {
    local files=() name
    [ $# -gt 0 ] || set -- server agent database dockerd
    for name in "$@"; do
        case $name in
        server | agent | dockerd) [ ! -e "$state/logs/$name.log" ] || files+=("$state/logs/$name.log") ;;
        database) files+=("$data_dir"/postgres/log/*.log) ;;
        *) die "there is no log of $name; choose from server, agent, database, dockerd" ;;
        esac
    done
    [ ${#files[@]} -gt 0 ] || die "there are no logs yet; \`./dev up\` starts what writes them"
    tail -n 40 -F "${files[@]}"
}

# A PostgreSQL that serves exactly the DATABASE_URL of .env, for working on the server by hand.
database() {
    need_rust
    need_database
    install_wanted || die "the database needs what is named above"
    cargo build --locked --quiet --bin server
    local server=$target_dir/debug/server
    if [ "${1:-}" = stop ]; then
        env -u DATABASE_URL LILAC_LOG=warn LILAC_DATA_DIR="$home/development" "$server" db stop
        return
    fi
    [ -e .env ] || [ -n "${DATABASE_URL:-}" ] || die "there is no .env yet: \`cp .env.example .env\`"
    LILAC_LOG=warn LILAC_DATA_DIR="$home/development" "$server" db start --serve-database-url >/dev/null
    say "the DATABASE_URL of .env is served; its data is in $home/development; \`./dev db stop\` stops it"
}
