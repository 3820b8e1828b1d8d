# shellcheck shell=bash
# Words to the user, and processes that are remembered by more than their number.
# Sourced by `dev`.

# Daemons are found where an ordinary user's PATH does not lead.
export PATH=$PATH:/usr/sbin:/sbin

if [ -n "${LILAC_HOME:-}" ]; then
    home=$LILAC_HOME
elif [ "$(id -u)" = 0 ]; then
    home=/var/lib/lilac
else
    home=${XDG_DATA_HOME:-$HOME/.local/share}/lilac
fi
# What belongs to `dev` itself: pids, logs, the agent's state, the profile of the CLI.
state=$home/dev

paint() { if [ -t 1 ]; then printf '\033[%sm%s\033[0m' "$1" "$2"; else printf '%s' "$2"; fi; }
say() { printf '%s %s\n' "$(paint '1;35' '▸')" "$*"; }
warn() { printf '%s %s\n' "$(paint '1;33' '!')" "$*" >&2; }
die() {
    printf '%s %s\n' "$(paint '1;31' '✗')" "$*" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# When a process started: with its number it names one process for ever, as numbers are used again.
started_at() {
    if [ -r "/proc/$1/stat" ]; then
        # The name in brackets may hold blanks; the fields after it are counted from the state on.
        sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
    else
        ps -o lstart= -p "$1" 2>/dev/null || true
    fi
}

# launch NAME FINGERPRINT COMMAND…: runs it in the background, detached from this terminal.
# The fingerprint tells later whether what runs is what would be started now.
launch() {
    local name=$1 fingerprint=$2 detach=nohup
    shift 2
    mkdir -p "$state/pids" "$state/logs"
    local log=$state/logs/$name.log
    # One older log is kept, so that years of use cannot fill the disk.
    if [ -s "$log" ] && [ "$(wc -c <"$log")" -gt 10000000 ]; then mv "$log" "$log.1"; fi
    if have setsid; then detach=setsid; fi
    # 9 is the lock of this script, which must not outlive it.
    "$detach" "$@" </dev/null >>"$log" 2>&1 9>&- &
    local pid=$!
    printf '%s\n%s\n%s\n' "$pid" "$(started_at "$pid")" "$fingerprint" >"$state/pids/$name"
    disown "$pid"
}

pid_of() { sed -n 1p "$state/pids/$1" 2>/dev/null || true; }

# Whether the process that we started under this name still runs.
runs() {
    local pid began
    pid=$(pid_of "$1")
    [ -n "$pid" ] || return 1
    began=$(started_at "$pid")
    [ -n "$began" ] && [ "$began" = "$(sed -n 2p "$state/pids/$1")" ] && ! is_zombie "$pid"
}

is_zombie() { [ -r "/proc/$1/stat" ] && sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | grep -q '^Z'; }

# runs_as NAME FINGERPRINT: it runs, and was started the way we would start it now.
runs_as() { runs "$1" && [ "$(sed -n 3p "$state/pids/$1")" = "$2" ]; }

# halt NAME SECONDS [sudo…]: ends what we started under this name; kills it when it takes longer.
halt() {
    local name=$1 patience=$2 pid
    shift 2
    if runs "$name"; then
        pid=$(pid_of "$name")
        "$@" kill -TERM "$pid" 2>/dev/null || true
        wait_for "$patience" ended "$name" || "$@" kill -KILL "$pid" 2>/dev/null || true
        wait_for 5 ended "$name" || warn "$name (process $pid) does not end"
        halted="$halted $pid"
    fi
    rm -f "$state/pids/$name"
}

ended() { ! runs "$1"; }

# What was halted here. A system may take seconds to clear a process away that has ended.
halted=""
all_cleared() {
    local pid
    for pid in $halted; do [ ! -e "/proc/$pid" ] || return 1; done
}

# wait_for SECONDS COMMAND…: until it succeeds.
wait_for() {
    local until=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$until" ] || return 1
        sleep 0.1
    done
}

# The start of an answer, without a need for curl.
http_status() {
    (
        exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
        printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' "$2" >&3
        read -r -t 5 _ status _ <&3 && printf '%s' "$status"
    ) 2>/dev/null
}

healthy() { [ "$(http_status "$1" /healthz)" = 200 ]; }

# Something accepts connections there, whatever it is.
port_is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# fingerprint of FILE…: changes when their content does.
fingerprint() { cat "$@" | cksum | tr -d ' '; }

# Only one `dev` at a time changes what runs.
lock() {
    mkdir -p "$state"
    exec 9>"$state/lock"
    if have flock; then flock -n 9 || die "another ./dev is at work in $home"; fi
}
