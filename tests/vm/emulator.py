"""The command line of QEMU: two emulated CPUs, a disk, an agent, two shared folders, no network."""

from pathlib import Path

from tests.vm.image import Image

REPOSITORY = Path(__file__).resolve().parents[2]
KERNEL_ARGUMENTS = (
    "root=/dev/vda rw console=ttyS0 loglevel=4 net.ifnames=0 panic=-1 mitigations=off "
    # On a crowded host the emulated timer misses the few ticks that arch/x86/kernel/apic/io_apic.c
    # checks for, and the kernel panics ("IO-APIC + timer doesn't work").
    "no_timer_check"
)
MACHINE = ("-cpu", "max", "-smp", "2", "-m", "2048")
# One thread for both CPUs: with two, a CPU was seen to run into code that the other was patching (a tracepoint that was
# being switched on), and the guest panicked. What measures must have two: with one, a CPU's time is the other's too.
ONE_THREAD, TWO_THREADS = ("-accel", "tcg,thread=single"), ("-accel", "tcg,thread=multi")
NOTHING_ELSE = ("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-nic", "none")


def command(image: Image, project: Path | None, folder: Path, *, terminal: bool, parallel: bool) -> list[str]:
    """What runs the guest whose disk, share, console and agent socket are in the folder."""
    arguments = [KERNEL_ARGUMENTS]
    arguments += [] if project else ["systemd.mask=opt-dropwatchd.mount"]
    arguments += ["systemd.wants=serial-getty@hvc0.service"] if terminal else []
    return [
        # prctl(2), PR_SET_PDEATHSIG: no emulator outlives the thread that started it.
        *("setpriv", "--pdeathsig", "KILL"),
        *("qemu-system-x86_64", *(TWO_THREADS if parallel else ONE_THREAD), *MACHINE, *NOTHING_ELSE),
        *("-kernel", str(image.kernel), "-initrd", str(image.initrd), "-append", " ".join(arguments)),
        *("-chardev", f"file,id=console,path={folder}/console.log,append=on", "-serial", "chardev:console"),
        *("-drive", f"file={folder}/disk.qcow2,format=qcow2,if=virtio"),
        *(("-drive", f"file={project},format=raw,if=virtio,readonly=on") if project else ()),
        *("-virtfs", f"local,path={folder}/share,mount_tag=share,security_model=none"),
        *("-virtfs", f"local,path={REPOSITORY},mount_tag=repo,security_model=none,readonly=on"),
        *("-device", "virtio-serial-pci"),
        *("-chardev", f"socket,id=agent,path={folder}/agent.sock,server=on,wait=off"),
        # The name of the port is the one that Debian's udev rule starts the agent for.
        *("-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"),
        *(_TERMINAL if terminal else ()),
    ]


_TERMINAL = ("-chardev", "stdio,id=terminal,signal=off,mux=on", "-device", "virtconsole,chardev=terminal")
