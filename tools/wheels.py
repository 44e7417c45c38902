"""Builds the source archive, and from it a wheel for each platform with ziglang; checks each wheel: ``make wheels``.

Each wheel must have the platform's tag, hold the library for that processor with exactly the functions that
`pellucid.engine.native` calls, need no newer system than the tag says and nothing but the system's own libraries, and
stay below 1.5 MB.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lief
import ziglang

ROOT = Path(__file__).resolve().parents[1]
WHEELS = ROOT / "dist"
LIMIT = 1_500_000  # bytes
SYSTEM_LIBRARIES = {
    "ELF": r"lib(c|m|pthread)\.so\.\d$|ld-linux",  # all of them on the list of PEP 600
    "MACHO": r"/usr/lib/libSystem\.B\.dylib$",
    "PE": r"KERNEL32\.dll$|api-ms-win-crt-",  # the C runtime that is part of Windows 10
}


@dataclass(frozen=True)
class Platform:
    """What a wheel is for: its tag, and zig's name of the same."""

    tag: str
    target: str
    library: str
    processor: str  # as the file's header names it

    @property
    def newest(self) -> tuple[int, ...]:
        """The version of glibc or macOS that the tag allows."""
        return tuple(int(number) for number in re.findall(r"_(\d+)(?=_)", self.tag))[:2]


lief.logging.disable()

PLATFORMS = [
    Platform("manylinux_2_17_x86_64", "x86_64-linux-gnu.2.17", "_native.so", "X86_64"),
    Platform("manylinux_2_17_aarch64", "aarch64-linux-gnu.2.17", "_native.so", "AARCH64"),
    Platform("macosx_11_0_arm64", "aarch64-macos.11.0", "_native.so", "ARM64"),
    Platform("win_amd64", "x86_64-windows-gnu", "_native.dll", "AMD64"),
]


def source() -> Path:
    """Return the source archive, built: what lies about in this tree, such as a library, is not in it."""
    subprocess.run(
        [sys.executable, "-m", "build", "--sdist", f"--outdir={WHEELS}", str(ROOT)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (archive,) = WHEELS.glob("*.tar.gz")
    return archive


def build(platform: Platform, archive: Path) -> Path:
    """Return the platform's wheel, built."""
    settings = {
        "wheel.tags": f"py3-none-{platform.tag}",
        "cmake.define.CMAKE_TOOLCHAIN_FILE": ROOT / "tools" / "zig.cmake",
        "install.strip": "false",  # the linker has done it, and the strip here knows only its own platform's files
    }
    zig = Path(ziglang.__file__).with_name("zig.exe" if os.name == "nt" else "zig")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", f"--wheel-dir={folder}", str(archive)]
            + [f"--config-settings={name}={value}" for name, value in settings.items()],
            env=os.environ | {"ZIG": str(zig), "ZIG_TARGET": platform.target},
            check=True,
        )
        (built,) = Path(folder).iterdir()
        return built.replace(WHEELS / built.name)


def check(platform: Platform, wheel: Path) -> str:
    """Return the facts that were found right, or exit with the one that is wrong."""
    expect(wheel.stem.endswith(f"-py3-none-{platform.tag}"), f"{wheel.name} is not tagged py3-none-{platform.tag}")
    expect(wheel.stat().st_size < LIMIT, f"{wheel.name} has {wheel.stat().st_size:,} bytes")
    with zipfile.ZipFile(wheel) as archive:
        libraries = [name for name in archive.namelist() if Path(name).name.startswith("_native")]
        expect(libraries == [f"pellucid/engine/{platform.library}"], f"{wheel.name} holds the libraries {libraries}")
        content = archive.read(libraries[0])
        description = next(name for name in archive.namelist() if name.endswith(".dist-info/WHEEL"))
        expect(b"Root-Is-Purelib: false" in archive.read(description), f"{wheel.name} calls itself pure Python")
    binary: Any = lief.parse(content)
    kind = binary.format.name
    processor = {"ELF": "machine_type", "MACHO": "cpu_type", "PE": "machine"}[kind]
    found = getattr(binary.header, processor).name
    expect(found == platform.processor, f"the library of {wheel.name} is for {found}, not {platform.processor}")
    functions = {function.name.removeprefix("_") for function in binary.exported_functions}
    functions -= {"_mh_dylib_header", "__dso_handle"} if kind == "MACHO" else set()
    expect(functions == called(), f"the library of {wheel.name} offers {sorted(functions)}, not {sorted(called())}")
    strangers = [name for name in needed(binary) if not re.match(SYSTEM_LIBRARIES[kind], name)]
    expect(not strangers, f"the library of {wheel.name} needs {strangers}")
    version = oldest_system(binary)
    expect(version <= platform.newest, f"the library of {wheel.name} needs version {version} of the system")
    least = {"ELF": "glibc", "MACHO": "macOS", "PE": "Windows 10"}[kind] + " " + ".".join(map(str, version))
    return f"{wheel.name}: {wheel.stat().st_size:,} bytes, {kind} {found}, {len(functions)} functions, {least}".strip()


def expect(holds: bool, otherwise: str) -> None:
    """Stop with what is wrong unless this holds."""
    if not holds:
        sys.exit(f"wheels: {otherwise}")


def called() -> set[str]:
    """Return the functions that Python calls."""
    source = (ROOT / "src" / "pellucid" / "engine" / "native.py").read_text()
    return {f"pellucid_{name}" for name in re.findall(r'\("(\w+)", (?:c_\w+|None), \[', source)}


def needed(binary: Any) -> list[str]:
    """Return the libraries that the system must load with this one."""
    if binary.format.name != "MACHO":
        return list(binary.libraries)
    return [library.name for library in binary.libraries if library.command.name != "ID_DYLIB"]


def oldest_system(binary: Any) -> tuple[int, ...]:
    """Return the version of glibc or macOS that the library needs; nothing for Windows."""
    if binary.format.name == "MACHO":
        return tuple(binary.build_version.minos[:2])
    if binary.format.name == "PE":
        return ()
    names = [part.name for needs in binary.symbols_version_requirement for part in needs.get_auxiliary_symbols()]
    return max(tuple(int(number) for number in name.removeprefix("GLIBC_").split("."))[:2] for name in names)


if __name__ == "__main__":
    archive = source()
    for each in PLATFORMS:
        print(check(each, build(each, archive)), flush=True)
