# shellcheck shell=bash
# A Docker daemon for the jobs, and an image that needs no registry. Sourced by `dev`.

docker_socket=/var/run/docker.sock

docker_answers() { docker version >/dev/null 2>&1; }

# Sees to it that Docker answers. Says why it does not, and fails, where that is not possible.
start_docker() {
    if docker_answers; then return; fi
    if [ -n "${DOCKER_HOST:-}" ]; then
        warn "nothing answers at DOCKER_HOST=$DOCKER_HOST"
        return 1
    fi
    if ! have dockerd; then
        warn "Docker Engine is not installed"
        return 1
    fi
    if [ -S "$docker_socket" ] && [ ! -w "$docker_socket" ]; then
        warn "you may not use Docker; run \`sudo usermod -aG docker $(id -un)\` and log in again"
        return 1
    fi
    if [ "$rootly" = no ]; then
        warn "Docker does not run, and only root can start it: \`sudo systemctl start docker\`"
        return 1
    fi
    if [ -d /run/systemd/system ] && have systemctl; then
        say "starting the Docker service"
        as_root systemctl start docker && wait_for 30 docker_answers
        return
    fi
    launch_dockerd
}

# There is no service manager. Where the kernel or the rights for a network are missing, containers can
# still run without one.
launch_dockerd() {
    local flags command=(dockerd)
    # Who started it with sudo may use it.
    [ "$rootly" = yes ] || command=(sudo -n dockerd --group "$(id -gn)")
    for flags in "" "--iptables=false --ip6tables=false --ip-masq=false" \
        "--bridge=none --iptables=false --ip6tables=false --ip-masq=false"; do
        say "starting dockerd${flags:+ $flags}"
        # shellcheck disable=SC2086 # several flags
        launch dockerd "" "${command[@]}" $flags
        if wait_for 30 docker_answers_or_ended && docker_answers; then
            case $flags in
            *bridge=none*) warn "Docker has no network of its own here: jobs need \`network: none\` or \`host\`" ;;
            *iptables*) warn "containers reach nothing beyond this machine: Docker may not change the firewall" ;;
            esac
            return 0
        fi
        halt dockerd 10 as_root
    done
    warn "dockerd does not start; the end of its log:"
    tail -n 5 "$state/logs/dockerd.log" >&2
    return 1
}

docker_answers_or_ended() { docker_answers || ! runs dockerd; }

# Ends the daemon that we started, with the mounts that it leaves behind.
stop_docker() {
    [ -e "$state/pids/dockerd" ] || return 0
    say "stopping dockerd"
    halt dockerd 30 as_root
    local mount
    while read -r mount; do
        as_root umount "$mount" 2>/dev/null || true
    done < <(sed -n 's/^[^ ]* \(\(\/var\)\?\/run\/docker\/[^ ]*\) .*/\1/p' /proc/mounts 2>/dev/null | sort -r)
}

# import_image NAME: a small userland from busybox, made on the spot.
import_image() {
    if docker image inspect "$1" >/dev/null 2>&1; then return; fi
    local busybox tree applet
    busybox=$(static_busybox)
    tree=$(mktemp -d)
    mkdir -p "$tree/bin" "$tree/etc" "$tree/tmp" "$tree/root"
    chmod 1777 "$tree/tmp"
    cp "$busybox" "$tree/bin/busybox"
    for applet in $("$busybox" --list); do
        [ "$applet" = busybox ] || ln -s busybox "$tree/bin/$applet"
    done
    echo 'root:x:0:0:root:/root:/bin/sh' >"$tree/etc/passwd"
    echo 'root:x:0:' >"$tree/etc/group"
    tar -C "$tree" --numeric-owner --owner=0 --group=0 -c . | docker import --change 'CMD ["/bin/sh"]' - "$1" >/dev/null
    rm -rf "$tree"
    say "made the image $1 from busybox"
}
