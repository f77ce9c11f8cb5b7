"""Where the files are that are no code: inside an installed package, at the top level of a checkout."""

from pathlib import Path


def data_folder(name: str) -> Path:
    """Return the folder `migrations` or `systemd`."""
    package = Path(__file__).parent
    installed = package / "_data" / name
    return installed if installed.is_dir() else package.parent / name
