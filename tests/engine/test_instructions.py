"""What the compiled engine consists of: fused multiply-adds of whole vectors, and no call of library mathematics.

Each test runs with the C compiler of the path and, where the package ziglang is installed, with Clang, also for ARM.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.mathematics_library import ARCHITECTURES, FLAGS, NATIVE, compiler, instruction_sets

CLANG = [sys.executable, "-m", "ziglang", "cc", "-target"]
HELPERS = """
#include "isa.h"
f32v helper_f32(f32v a, f32v b, f32v c) { return fma_f32(a, b, c); }
f64v helper_f64(f64v a, f64v b, f64v c) { return fma_f64(a, b, c); }
"""
VECTOR = r"vfn?m(add|sub)\d+p[sd]$|fml[as]$"  # subtracting is adding a negated operand: it rounds as once
SCALAR = r"vfn?m(add|sub)\d+s[sd]$|fn?m(add|sub)$"
MATHEMATICS = r"(fma|exp|expm1|log|log1p|tanh|erf|cos|sqrt|rint|floor|pow|fabs)f?$"

Compile = Callable[[Path, str], Path]


@pytest.fixture(params=["path", "clang"])
def compiled(request: pytest.FixtureRequest, tmp_path: Path) -> Compile:
    """Return what compiles a C file for an instruction set, or skips the test with the reason."""

    def compile_(source: Path, isa: str) -> Path:
        if request.param == "clang":
            if importlib.util.find_spec("ziglang") is None:
                pytest.skip("the package ziglang is not installed")
            command = [*CLANG, "aarch64-linux-gnu" if isa == "neon" else "x86_64-linux-gnu"]
        else:
            if compiler() is None:
                pytest.skip("no C compiler on the path (gcc, cc, clang or $CC)")
            if (isa == "neon") != (instruction_sets() == ["neon"]):
                pytest.skip(f"the compiler on the path is not for {isa}")
            command = [str(compiler())]
        result = tmp_path / f"{source.stem}.o"
        command += [*FLAGS, *ARCHITECTURES[isa], f"-DPELLUCID_ISA={isa}", f"-I{NATIVE}", "-fPIC", "-c"]
        done = subprocess.run([*command, str(source), "-o", str(result)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return result

    return compile_


def read(tool: str, *arguments: str | Path) -> str:
    """Return what binutils' or LLVM's tool prints about an object file, or skip the test where neither can read it."""
    for name in (tool, f"llvm-{tool}"):
        if shutil.which(name):
            done = subprocess.run([name, *arguments], capture_output=True, text=True, check=False)
            if done.returncode == 0 and done.stdout.strip():
                return done.stdout
    pytest.skip(f"neither {tool} nor llvm-{tool} can read this object file")


def instructions(file: Path) -> list[str]:
    """Return the names of all instructions in order."""
    return re.findall(r"^\s*[0-9a-f]+:\s+(\S+)", read("objdump", "-d", "--no-show-raw-insn", file), re.MULTILINE)


def matching(names: list[str], pattern: str) -> list[str]:
    return [name for name in names if re.match(pattern, name)]


@pytest.mark.parametrize("isa", ARCHITECTURES)
def test_the_multiply_add_of_vectors_is_one_instruction(compiled: Compile, isa: str, tmp_path: Path) -> None:
    source = tmp_path / "helpers.c"
    source.write_text(HELPERS)
    names = instructions(compiled(source, isa))
    assert len(matching(names, VECTOR)) == 2
    assert len([name for name in names if not name.startswith(("nop", "cs", "data16"))]) <= 12, names


@pytest.mark.slow
@pytest.mark.parametrize("isa", ARCHITECTURES)
@pytest.mark.parametrize("name", ["interpreter", "product"])
def test_whole_vectors_and_no_library(compiled: Compile, name: str, isa: str) -> None:
    """Lanes one by one would show as many scalar multiply-adds; the plain loops of tiny products have a few."""
    file = compiled(NATIVE / f"{name}.c", isa)
    symbols = read("nm", file)
    assert f"_{isa}" in symbols and not matching(re.findall(r"\bU (\S+)", symbols), MATHEMATICS)
    names = instructions(file)
    vectors, scalars = len(matching(names, VECTOR)), len(matching(names, SCALAR))
    assert vectors > 100 and 10 * scalars < vectors, (vectors, scalars)
