"""Runs the engine's tests and compares its bits with the Linux wheels of `make wheels`, ARM's on an emulated processor.

The hashes of weights and predictions must equal those of the library that the compiler of this system built, and the
parity tests must pass. ARM runs in Debian's Python for ARM under qemu-user. What cannot run here is named, with why.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pellucid.engine.native import library

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "wheels"
TESTS = ROOT / "tests" / "engine"
PACKAGES = ("numpy", "safetensors", "scikit-learn", "narwhals", "polars", "pytest")


class CannotRunError(Exception):
    """Why something does not run on this system."""


@dataclass(frozen=True)
class Python:
    """An interpreter, and the folders of its packages: the wheel's first."""

    command: list[str | Path]
    packages: list[Path]

    def output(self, *arguments: str | Path, **settings: str) -> str:
        """Return what it prints, or stop with what went wrong."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PELLUCID_")}
        environment |= {"PYTHONPATH": os.pathsep.join(map(str, self.packages)), **settings}
        done = subprocess.run(
            [*self.command, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"{' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}")
        return done.stdout

    def check(self, name: str, expected: str, settings: list[dict[str, str]]) -> None:
        """Compare the hashes with each of the settings, and run the parity tests."""
        for setting in settings:
            label = f"{name} {' '.join(f'{key}={value}' for key, value in setting.items())}".strip()
            if self.output(TESTS / "training_digest.py", **setting) != expected:
                sys.exit(f"{label}: other bits than the library here")
            print(f"{label}: the same bits", flush=True)
        self.output("-m", "pytest", "-q", "-p", "no:cacheprovider", TESTS / "test_parity.py", PELLUCID_ENGINE="")
        print(f"{name}: the parity tests pass", flush=True)


def unpacked(architecture: str) -> Path:
    """Return the folder where this architecture's wheel lies open."""
    wheels = list((ROOT / "dist").glob(f"pellucid-*-manylinux_*_{architecture}.whl"))
    if len(wheels) != 1:
        raise CannotRunError(f"dist/ holds {len(wheels)} wheels for it, not one")
    folder = BUILD / architecture
    shutil.rmtree(folder, ignore_errors=True)
    with zipfile.ZipFile(wheels[0]) as archive:
        archive.extractall(folder)
    return folder


def x86_64() -> Python:
    """Return this interpreter with the wheel's package instead of the one installed."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise CannotRunError(f"this is {sys.platform} on {platform.machine()}")
    return Python([sys.executable, "-S"], [unpacked("x86_64"), Path(sysconfig.get_path("purelib"))])


def aarch64() -> Python:
    """Return Debian's Python for ARM, under qemu."""
    emulator = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
    if emulator is None:
        raise CannotRunError("there is no qemu-aarch64 (Debian: apt install qemu-user)")
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise CannotRunError("there is no apt to fetch Debian's Python for ARM with")
    wheel, root, packages = unpacked("aarch64"), BUILD / "arm64-root", BUILD / "arm64-packages"
    command = [emulator, "-L", root, root / "usr" / "bin" / "python3"]
    if not (packages / "complete").exists():
        shutil.rmtree(root, ignore_errors=True)
        for archive in debian_packages("python3-minimal", "libpython3-stdlib", "libstdc++6"):
            subprocess.run(["dpkg-deb", "--extract", archive, root], check=True)
        version = Python(command, []).output("-c", "import sys; print('%d.%d' % sys.version_info[:2])").strip()
        platforms = [f"--platform=manylinux_2_{glibc}_aarch64" for glibc in range(17, 36)]
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", f"--target={packages}", *platforms]
        install += [f"--python-version={version}", "--only-binary=:all:", *PACKAGES]
        subprocess.run(install, check=True)
        (packages / "complete").touch()
    return Python(command, [wheel, packages])


def debian_packages(*names: str) -> Iterator[Path]:
    """Download these packages for ARM and all that they need, beside the system's own apt and without changing it."""
    apt = BUILD / "apt"
    for folder in ("lists/partial", "cache/archives/partial"):
        (apt / folder).mkdir(parents=True, exist_ok=True)
    (apt / "status").touch()
    options = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "Dir::State::lists": apt / "lists",
        "Dir::State::status": apt / "status",
        "Dir::Cache": apt / "cache",
        "APT::Sandbox::User": "root",
    }
    command = ["apt-get", "--quiet=2", *(f"--option={name}={value}" for name, value in options.items())]
    fetch = [*command, "install", "--download-only", "--no-install-recommends", "--yes", *names]
    for step in ([*command, "update"], fetch):
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CannotRunError(f"apt cannot fetch Debian's Python for ARM: {done.stderr.strip()}")
    yield from (apt / "cache" / "archives").glob("*.deb")


def main() -> None:
    """Run what can run here, and name the rest."""
    loaded = library()
    if isinstance(loaded, str):
        sys.exit(f"nothing to compare with: {loaded}")
    expected = Python([sys.executable], [ROOT / "src"]).output(TESTS / "training_digest.py")
    threads = [{"PELLUCID_THREADS": str(number)} for number in (1, 2, 4)]
    sets = [{"PELLUCID_ISA": name} for name in loaded.instruction_sets]
    for name, make, settings in (("Linux x86-64", x86_64, sets), ("Linux arm64 under qemu", aarch64, threads)):
        try:
            make().check(name, expected, settings)
        except CannotRunError as reason:
            print(f"{name}: not run: {reason}")
    for name in ("macOS arm64", "Windows x86-64"):
        print(f"{name}: not run: nothing here runs programs of that system")


if __name__ == "__main__":
    main()
