"""What is inside each guest: the Debian suite, its packages and how they are set up."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

NETDEVSIM = Path(__file__).with_name("netdevsim.sh")

PACKAGES = (
    "bpftrace",
    "conntrack",
    "dbus",
    "dropwatch",
    "ethtool",
    "initramfs-tools",
    "iproute2",
    "iptables",
    "iputils-ping",
    "kmod",
    "libbpf1",
    "linux-perf",
    "nftables",
    "procps",
    "python3",
    "python3-venv",
    "qemu-guest-agent",
    "sqlite3",
    "systemd",
    "systemd-sysv",
    "udev",
)

KERNEL_PACKAGES = ("linux-image-amd64", "linux-headers-amd64")
BUILD_PACKAGES = ("linux-headers-amd64", "make")
"""Needed while netdevsim is built, removed from the image afterwards."""

EXCLUDED_PATHS = (
    "/usr/share/doc/*",
    "/usr/share/locale/*",
    "/usr/share/man/*",
    "*/kernel/drivers/ata/*",
    "*/kernel/drivers/gpu/*",
    "*/kernel/drivers/infiniband/*",
    "*/kernel/drivers/iio/*",
    "*/kernel/drivers/media/*",
    "*/kernel/drivers/net/wireless/*",
    "*/kernel/drivers/scsi/*",
    "*/kernel/drivers/staging/*",
    "*/kernel/sound/*",
)
"""Files that no test reads and that would take most of the time and space of an image."""

MASKED_UNITS = (
    "apt-daily-upgrade.timer",
    "apt-daily.timer",
    "dev-hugepages.mount",
    "dev-mqueue.mount",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty@tty1.service",
    "modprobe@configfs.service",
    "modprobe@dm_mod.service",
    "modprobe@drm.service",
    "modprobe@efi_pstore.service",
    "modprobe@fuse.service",
    "modprobe@loop.service",
    "proc-sys-fs-binfmt_misc.automount",
    "serial-getty@ttyS0.service",
    "sys-fs-fuse-connections.mount",
    "sys-kernel-config.mount",
    "systemd-binfmt.service",
    "systemd-logind.service",
    "systemd-networkd.service",
    "systemd-pcrmachine.service",
    "systemd-pstore.service",
    "systemd-random-seed.service",
    "systemd-timesyncd.service",
    "systemd-update-utmp-runlevel.service",
    "systemd-update-utmp.service",
)
"""What a server would run and no test needs; each costs seconds under emulation."""

BLACKLISTED_MODULES = (
    *("floppy", "i2c_piix4", "kvm_amd", "pcspkr", "powernow_k8", "psmouse", "serio_raw"),
    *("aesni_intel", "crc32_pclmul", "crct10dif_pclmul", "ghash_clmulni_intel", "polyval_clmulni"),
    *("sha1_ssse3", "sha256_ssse3", "sha512_ssse3"),
)
"""Drivers of emulated hardware and ciphers with slow self-tests, which udev would load and nothing uses."""

LINKS = {
    "usr/local/bin/dropwatchd": "/opt/dropwatchd/bin/dropwatchd",
    "usr/local/bin/dwreport": "/opt/dropwatchd/bin/dwreport",
    **{f"etc/systemd/system/{unit}": "/dev/null" for unit in MASKED_UNITS},
}

FILES = {
    # Only the modules that reach the root disk: a small initramfs is built and unpacked sooner. The last one is there
    # before anything is mounted through it: while it looks for its devices, a mount finds no channel and gives up.
    "etc/initramfs-tools/conf.d/guest": "MODULES=list\n",
    "etc/initramfs-tools/modules": "virtio_pci\nvirtio_blk\next4\n9pnet_virtio\n",
    "etc/modprobe.d/guest.conf": "".join(f"blacklist {module}\n" for module in BLACKLISTED_MODULES),
    "etc/hostname": "guest\n",
    "etc/hosts": "127.0.0.1 localhost\n::1 localhost\n127.0.1.1 guest\n",
    "etc/fstab": (
        "/dev/vda / ext4 rw 0 0\n"
        "/dev/vdb /opt/dropwatchd ext4 ro 0 0\n"
        "share /mnt/share 9p trans=virtio,version=9p2000.L,msize=262144,access=any 0 0\n"
        "repo /mnt/repo 9p ro,trans=virtio,version=9p2000.L,msize=262144,access=any 0 0\n"
    ),
    "etc/systemd/journald.conf.d/guest.conf": "[Journal]\nStorage=persistent\n",
    # Every command runs inside the agent's unit: one that is killed for memory must not take the agent along.
    "etc/systemd/system/qemu-guest-agent.service.d/guest.conf": (
        "[Unit]\nRequiresMountsFor=/mnt/share /mnt/repo\n"
        "[Service]\nOOMPolicy=continue\nOOMScoreAdjust=-900\nTasksMax=infinity\n"
        "Environment=HOME=/root LANG=C.UTF-8\n"
    ),
    "etc/systemd/system/serial-getty@hvc0.service.d/guest.conf": (
        "[Service]\nExecStart=\nExecStart=-/sbin/agetty --autologin root --noclear %I linux\n"
    ),
}


HOOKS = (
    f'chroot "$1" apt-get purge -qq --autoremove {" ".join(BUILD_PACKAGES)}',
    # systemd.offline-updates(7): these stamps say that /etc and /var are as new as /usr.
    'touch "$1/etc/.updated" "$1/var/.updated"',
)
"""Shell commands that finish the system in the folder $1."""


@dataclass(frozen=True)
class Recipe:
    """One guest: named after its kernel series, with the versions that a test may expect in it.

    `kernels` is the suite that the kernel is from, where it is another one; netdevsim is not built for that.
    """

    kernel: str
    suite: str
    systemd: int
    python: str
    kernels: str = ""

    @property
    def packages(self) -> list[str]:
        """What is installed in it, and what builds netdevsim."""
        origin = f"/{self.kernels}" if self.kernels else ""
        return [*PACKAGES, *BUILD_PACKAGES[1:], *(f"{package}{origin}" for package in KERNEL_PACKAGES)]

    @property
    def key(self) -> str:
        """A name for the image that changes whenever its content would."""
        content = (self.packages, BUILD_PACKAGES, EXCLUDED_PATHS, LINKS, FILES, HOOKS, NETDEVSIM.read_text(), self)
        return f"{self.suite}-{hashlib.sha256(repr(content).encode()).hexdigest()[:16]}"


RECIPES = {
    recipe.kernel: recipe
    for recipe in (
        Recipe(kernel="6.1", suite="bookworm", systemd=252, python="3.11"),
        Recipe(kernel="6.12", suite="trixie", systemd=257, python="3.13"),
    )
}

NEWEST = Recipe(kernel="backports", suite="trixie", systemd=257, python="3.13", kernels="trixie-backports")
"""The newest kernel that Debian has for a stable system. It changes: for the gallery, by hand."""
