# shellcheck shell=bash
# Building the web UI and the programs, and only when something changed. Sourced by `dev`.

stamps=.lilac

# Where cargo puts what it builds.
target_dir=${CARGO_TARGET_DIR:-$repo/target}

check_frontend_packages() {
    local wanted
    wanted=$(fingerprint frontend/package.json frontend/package-lock.json)
    if [ -d frontend/node_modules ] && [ "$(cat frontend/node_modules/.lilac 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    say "fetching the packages of the web UI"
    (cd frontend && npm install --no-audit --no-fund --loglevel=error </dev/null)
    fingerprint frontend/package.json frontend/package-lock.json >frontend/node_modules/.lilac
}

frontend_sources() {
    find frontend docs/openapi.json -type f \
        -not -path 'frontend/node_modules/*' -not -path 'frontend/dist/*' -not -path 'frontend/e2e/*' \
        -not -path 'frontend/screenshots/*' -not -path 'frontend/test-results/*' \
        -not -path 'frontend/playwright-report/*' -print0 2>/dev/null | LC_ALL=C sort -z
}

# The server embeds what this makes, so an unchanged UI must stay untouched.
build_frontend() {
    mkdir -p "$stamps"
    local wanted
    wanted=$(frontend_sources | xargs -0 cksum | cksum)
    if [ -e frontend/dist/index.html ] && [ "$(cat "$stamps/frontend" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    check_frontend_packages
    say "building the web UI"
    (cd frontend && npm run build </dev/null)
    printf '%s\n' "$wanted" >"$stamps/frontend"
}

build_release() {
    say "building the programs; the first time takes minutes"
    cargo build --release --locked "$@"
}
