# Boots systemd over a copy of this machine's files: in namespaces of its own, with the machine's network, below one
# cgroup, and with what it changes in memory. Arguments: the folder of the test, the name of the cgroup.
#
# The folder's `files` are laid over the machine's, `data` is Docker's: its own overlay cannot stand on this one.
set -eu
folder=$1 group=$2 root=$1/root
mounts=$(cat /proc/self/mountinfo)

if [ "${3:-}" != inside ]; then
    # Where the kernel has both versions of cgroups, this process leaves its own in each of them.
    while read -r _ _ _ _ at _; do
        case $at in /sys/fs/cgroup/*/*) continue ;; esac
        [ -w "$at/cgroup.procs" ] || continue
        mkdir -p "$at/$group"
        # In version 1 a cgroup begins without any CPUs.
        for file in cpuset.cpus cpuset.mems; do
            [ ! -e "$at/$file" ] || cat "$at/$file" >"$at/$group/$file"
        done
        echo $$ >"$at/$group/cgroup.procs"
    done <<END
$mounts
END
    exec unshare --fork --kill-child --pid --mount --uts --ipc --cgroup --propagation private \
        /bin/sh "$0" "$folder" "$group" inside
fi

mkdir -p "$root" "$folder/memory" "$folder/data"
mount -t tmpfs tmpfs "$folder/memory"
mkdir "$folder/memory/upper" "$folder/memory/work"
mount -t overlay -o "lowerdir=/,upperdir=$folder/memory/upper,workdir=$folder/memory/work" overlay "$root"

mount -t proc proc "$root/proc"
# The kernel's settings are the machine's.
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
while read -r _ _ _ _ at _ rest; do
    case $at in
    /sys/fs/cgroup/*/*) continue ;;
    /sys/fs/cgroup) ;;
    /sys/fs/cgroup/*) mkdir "$root$at" ;;
    *) continue ;;
    esac
    # What comes after a dash: the kind of file system, what is mounted, and how.
    # shellcheck disable=SC2086
    set -- ${rest#*- }
    case $1 in
    tmpfs) mount -t tmpfs -o mode=0755 tmpfs "$root$at" ;;
    cgroup2) mount -t cgroup2 cgroup2 "$root$at" ;;
    cgroup)
        controllers=$(printf %s "$3" | tr , '\n' | grep -vxE 'rw|ro|xattr|clone_children|release_agent=.*' | paste -sd ,)
        mount -t cgroup -o "$controllers" cgroup "$root$at"
        ;;
    esac
done <<END
$mounts
END

mount -t tmpfs -o mode=0755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
mount -t tmpfs tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
: >"$folder/console"
: >"$root/dev/console"
mount --bind "$folder/console" "$root/dev/console"
mount -t tmpfs -o mode=0755 tmpfs "$root/run"

# Of the machine's own units those are started that ours want, and none that reaches beyond the namespaces.
rm -rf "$root/etc/systemd/system" "$root/etc/fstab" "$root/etc/docker"
mkdir -p "$root/etc/systemd/system" "$root/var/lib/docker" "$root/var/lib/containerd"
cp -r "$folder/files/." "$root/"
for unit in dev-hugepages.mount dev-mqueue.mount getty.target sys-kernel-debug.mount sys-kernel-tracing.mount \
    systemd-binfmt.service systemd-hwdb-update.service systemd-logind.service systemd-modules-load.service \
    systemd-networkd-wait-online.service systemd-random-seed.service systemd-remount-fs.service \
    systemd-sysctl.service systemd-timesyncd.service systemd-tmpfiles-clean.timer systemd-tmpfiles-setup.service \
    systemd-udev-trigger.service systemd-udevd.service systemd-update-utmp.service; do
    ln -s /dev/null "$root/etc/systemd/system/$unit"
done
mount --bind "$folder/data" "$root/var/lib/docker"

cd "$root"
mkdir -p .outside
pivot_root . .outside
umount -l /.outside
exec env -i container=lilac PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=trial.target --show-status=no </dev/null >/dev/console 2>&1
