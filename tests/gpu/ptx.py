"""Kernels as PTX, compiled without a GPU, and a slow machine that runs PTX over host memory."""

import ctypes
import re
import struct

import numpy as np
import pytest

from .ptx_doubles import fused, move_bits, reciprocal

REALS = {"f32": np.float32, "f64": np.float64}
CELLS = {
    "f32": ctypes.c_float,
    "f64": ctypes.c_double,
    "u32": ctypes.c_uint32,
    "u64": ctypes.c_uint64,
}
COMPARISONS = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b and a == a and b == b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    # with a "u": or unordered
    "neu": lambda a, b: a != b,
    "gtu": lambda a, b: not a <= b,
    "geu": lambda a, b: not a < b,
    "leu": lambda a, b: not a > b,
    "ltu": lambda a, b: not a >= b,
    "nan": lambda a, b: a != a or b != b,
}
ARITHMETIC = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "fma": fused,
}
BITWISE = {
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
    "shl": lambda a, b: a << b,
    "shr": lambda a, b: a >> b,
    "max": max,
    "min": min,
    "div": lambda a, b: a // b,
}


def require_toolkit():
    """Skip where kernels cannot be compiled."""
    pytest.importorskip("numba_cuda", reason="needs numba-cuda")
    from numba import cuda
    from numba.cuda.cudadrv.nvvm import NVVM

    if cuda.config.ENABLE_CUDASIM:
        pytest.skip("kernels are not compiled in the simulator")
    try:
        NVVM()
    except Exception as error:
        pytest.skip(f"needs the CUDA toolkit's compiler ({error})")


COMPILED = {}


def kernel_ptx(rule, dtype, monkeypatch):
    """Return the step kernel of a rule as PTX, or for None the one that looks for NaN."""
    from fastadam._cuda import kernels, nonfinite

    if rule is None:
        return named_ptx(*nonfinite.make_nonfinite_function(dtype), monkeypatch)
    return named_ptx(*kernels.make_step_function(rule, dtype), monkeypatch)


def named_ptx(function, signature, monkeypatch):
    """Compile a kernel once in all tests: functions are known by their names."""
    name = function.__name__
    if name not in COMPILED:
        COMPILED[name] = compile_ptx(function, signature, monkeypatch)
    return COMPILED[name]


def compile_ptx(function, signature, monkeypatch):
    """Compile as `fastadam._numba.gpu.compile_gpu_kernel` does, for compute capability 9."""
    from numba.cuda import dispatcher

    from fastadam._numba import gpu as target

    class Hopper:
        compute_capability = (9, 0)

    # Functions that kernels call are compiled for the current GPU.
    monkeypatch.setattr(dispatcher, "get_current_device", Hopper)
    with target.uncontracted():
        text, _ = target.load_compiler().compile(
            function, signature, device=False, abi="numba", cc=(9, 0), output="ptx"
        )
    return text


def stand_in(monkeypatch):
    """Have kernels compiled, and kept on disk, as for a current GPU where there is none."""
    from numba.cuda import codegen, dispatcher

    from fastadam._cuda import searches
    from fastadam._numba import gpu, gpu_cache

    class Hopper:
        compute_capability = (9, 0)

    monkeypatch.setattr(dispatcher, "get_current_device", Hopper)
    monkeypatch.setattr(codegen.CUDACodeLibrary, "_ensure_cc", lambda *given: (9, 0, "a"))
    # Without loading it.
    monkeypatch.setattr(dispatcher._Kernel, "bind", lambda self: self.library.get_cubin())
    monkeypatch.setattr(gpu, "load_cuda", gpu.load_compiler)
    for module in (gpu_cache, searches):
        monkeypatch.setattr(module, "find_target", lambda: (9, 0, 12090))


class Program:
    """A kernel's PTX, as far as the kernels here use that language."""

    def __init__(self, text):
        self.parameters = re.findall(r"\.param \.(\w+) (\w+)", text)
        self._lines, self._labels = [], {}
        body = text[text.index("{") :]
        for line in re.split(r"[;\n]", body):
            line = line.split("//")[0].strip()
            label = re.fullmatch(r"(\$\w+):", line)
            if label:
                self._labels[label[1]] = len(self._lines)
            elif line and line not in "{}" and not line.startswith("."):
                guard, operation, operands = re.fullmatch(
                    r"(?:@(!?%p\d+)\s+)?([\w.]+)\s*(.*)", line
                ).groups()
                # One operand, or several in braces.
                names = re.findall(r"{[^}]*}|[^\s,{}]+", operands)
                self._lines.append((guard, operation.split("."), names))

    def run(self, address, blocks, threads):
        """Run so many blocks of so many threads, one after the other.

        ``address`` is what the driver takes: of an array of pointers to the arguments.
        """
        pointers = (ctypes.c_uint64 * len(self.parameters)).from_address(address)
        arguments = {
            name: (kind, CELLS[kind].from_address(pointer).value)
            for (kind, name), pointer in zip(self.parameters, pointers, strict=True)
        }
        with np.errstate(all="ignore"):
            for block, thread in np.ndindex(blocks, threads):
                grid = {
                    "%tid.x": thread,
                    "%ntid.x": threads,
                    "%ctaid.x": block,
                    "%nctaid.x": blocks,
                }
                Thread(arguments, grid).run(self._lines, self._labels)


class Thread:
    """One thread's registers."""

    def __init__(self, arguments, grid):
        self._arguments = arguments
        self._values = dict(grid)

    def run(self, lines, labels):
        """Follow the program to its end."""
        at = 0
        while True:
            guard, operation, operands = lines[at]
            at += 1
            if guard and self._values[guard.lstrip("!")] == guard.startswith("!"):
                continue
            if operation[0] == "ret":
                return
            if operation[0] == "bra":
                at = labels[operands[0]]
            else:
                self._execute(operation, operands)

    def _execute(self, operation, operands):
        name, kind = operation[0], operation[-1]
        if name == "st":
            self._store(operation, *operands)
            return
        if name == "ld" and operands[0].startswith("{"):
            self._values.update(self._load_vector(operation, *operands))
            return
        if name == "mov" and kind in ("b32", "b64"):
            self._values.update(move_bits(*operands, self._values, int(kind[1:]) // 8))
            return
        if name == "ld":
            result = self._load(operation, operands[1])
        elif name == "atom":
            assert operation[1:] == ["global", "min", "u64"]
            cell = ctypes.c_uint64.from_address(self._address(operands[1]))
            result, cell.value = cell.value, min(cell.value, self._read(operands[2], kind))
        elif name == "setp":
            a, b = (self._read(operand, kind) for operand in operands[1:])
            result = bool(COMPARISONS[operation[1]](a, b))
        elif name == "selp":
            chosen = operands[1] if self._values[operands[3]] else operands[2]
            result = self._read(chosen, kind)
        else:
            result = self._compute(operation, [self._read(o, kind) for o in operands[1:]])
        self._values[operands[0]] = result

    def _compute(self, operation, values):
        name, modifiers, kind = operation[0], operation[1:-1], operation[-1]
        if operation == ["cvt", "rn", "f32", "f64"]:
            return np.float32(values[0])
        if operation == ["rcp", "approx", "ftz", "f64"]:
            return reciprocal(*values)
        if operation in (["min", "f64"], ["max", "f64"]):
            return BITWISE[name](*values)
        if name in ("mov", "cvta", "cvt"):
            assert not set(modifiers) & set(REALS)  # only whole numbers are converted
            return values[0]
        if kind in REALS:
            # Rounded to nearest, subnormals kept; nothing else may be there.
            assert modifiers == ([] if name in ("abs", "neg") else ["rn"]), operation
            if name == "sqrt":
                return np.sqrt(values[0])
            if name in ("abs", "neg"):
                return abs(values[0]) if name == "abs" else -values[0]
            return ARITHMETIC[name](*values)
        if name == "not":
            return not values[0] if kind == "pred" else ~values[0]
        if name in ("add", "sub", "mul"):
            assert modifiers in ([], ["wide"], ["lo"])
            return ARITHMETIC[name](*values)
        return BITWISE[name](*values)

    def _load(self, operation, operand):
        space, kind = operation[1], operation[-1]
        if space == "param":
            stored, value = self._arguments[operand.strip("[]")]
            assert stored == kind
        else:
            assert space in ("global", kind)
            value = CELLS[kind].from_address(self._address(operand)).value
        return REALS[kind](value) if kind in REALS else value

    def _load_vector(self, operation, registers, operand):
        registers, cells = self._cells(operation, registers, operand)
        real = REALS.get(operation[-1], int)
        return {name: real(cell.value) for name, cell in zip(registers, cells, strict=True)}

    def _store(self, operation, operand, registers):
        registers, cells = self._cells(operation, registers, operand)
        for name, cell in zip(registers, cells, strict=True):
            cell.value = self._read(name, operation[-1])

    def _cells(self, operation, registers, operand):
        """Return the registers of a load or a store, one or more, and its memory."""
        registers = registers.strip("{}").replace(" ", "").split(",")
        words = operation[2:-1] if operation[1] == "global" else operation[1:-1]
        assert words == ([f"v{len(registers)}"] if len(registers) > 1 else [])
        cell, address = CELLS[operation[-1]], self._address(operand)
        size = ctypes.sizeof(cell)
        assert address % (size * len(registers)) == 0  # as the hardware demands it
        return registers, [cell.from_address(address + k * size) for k in range(len(registers))]

    def _address(self, operand):
        base, _, offset = operand.strip("[]").partition("+")
        return self._read(base, "u64") + int(offset or 0)

    def _read(self, operand, kind):
        """Return a register or a literal as a type wants it."""
        if operand.startswith("%"):
            value = self._values[operand]
        elif operand[:2] in ("0f", "0d"):
            code = ">f" if operand[1] == "f" else ">d"
            value = REALS[kind](struct.unpack(code, bytes.fromhex(operand[2:]))[0])
        else:
            value = int(operand)
        if kind in REALS:
            assert isinstance(value, REALS[kind])
        elif kind != "pred":
            bits = int(kind[1:])
            value %= 2**bits
            if kind[0] == "s" and value >= 2 ** (bits - 1):
                value -= 2**bits
        return value
