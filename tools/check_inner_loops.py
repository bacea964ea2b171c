#!/usr/bin/env python3
"""Rejects marked inner loops that touch the stack: an accumulator that a compiler spills halves the speed of a kernel
and no test of its results would tell.

    tools/check_inner_loops.py BUILD_DIR      (a release build)

The mark (swiftlet/kernels/generic/inner_loop.h) lists an address within each compiled copy of a loop. The loop is the
shortest span, from the target of a backward jump to that jump, that holds the address.
"""

import re
import subprocess
import sys
from pathlib import Path

FOLDERS = ("avx2", "avxvnni", "avx512", "amx")
SECTION = ".swiftlet_loops"

MARK = re.compile(r"^[0-9a-f]+ R_X86_64_64 +(\S+?)(?:\+0x([0-9a-f]+))?$")
FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")
INSTRUCTION = re.compile(r"^ *([0-9a-f]+):\s+(.*)$")
JUMP = re.compile(r"^(?:bnd |notrack )?(?:j\w+|loop\w*)\s+([0-9a-f]+) ")
FRAME = re.compile(r"^mov\s+%rsp,%rbp$")
STACK = re.compile(r"^(?:push|pop|call|enter|leave)|\(%rsp|,%rsp[,)]")
FRAMED = re.compile(r"\(%rbp|,%rbp[,)]")


class Function:
    """The instructions of one function, as (address, text), and whether rbp points into its frame."""

    def __init__(self, name):
        self.name, self.code, self.framed = name, [], False

    def loop_around(self, address):
        spans = []
        for end, text in self.code:
            jump = JUMP.match(text)
            if jump and end >= address >= int(jump[1], 16) >= self.code[0][0]:
                spans.append((end - int(jump[1], 16), int(jump[1], 16), end))
        return min(spans)[1:] if spans else None

    def touches_stack(self, text):
        return bool(STACK.search(text) or (self.framed and FRAMED.search(text)))


def short(name):
    """A demangled name without namespaces and parameters."""
    return re.sub(r"\(swiftlet::.*|\b(?:void|swiftlet::kernels::) ?|\(anonymous namespace\)::", "", name)


def objdump(*arguments):
    return subprocess.run(["objdump", *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def marks_of(obj):
    """(section, address) of each mark."""
    marks, ours = [], False
    for line in objdump("-r", obj).splitlines():
        if line.startswith("RELOCATION RECORDS FOR"):
            ours = f"[{SECTION}]" in line
        elif ours and (mark := MARK.match(line)):
            marks.append((mark[1], int(mark[2] or "0", 16)))
    return marks


def functions_of(obj):
    """The functions of each section."""
    sections, current = {}, []
    for line in objdump("-d", "-w", "-C", "--no-show-raw-insn", obj).splitlines():
        if line.startswith("Disassembly of section "):
            current = sections.setdefault(line.split()[-1].rstrip(":"), [])
        elif function := FUNCTION.match(line):
            current.append(Function(short(function[1])))
        elif instruction := INSTRUCTION.match(line):
            text = instruction[2].split("#")[0].strip()
            current[-1].code.append((int(instruction[1], 16), text))
            current[-1].framed |= bool(FRAME.match(text))
    return sections


def check(obj):
    """The number of marked loops of an object, and a line for each that breaks the rule."""
    marks, faults = marks_of(obj), []
    sections = functions_of(obj) if marks else {}
    for section, address in marks:
        function = next((f for f in reversed(sections.get(section, [])) if f.code and f.code[0][0] <= address), None)
        loop = function and function.loop_around(address)
        if not loop:
            faults.append(f"{function.name if function else section} at {address:x}: the mark is in no loop")
            continue
        for at, text in function.code:
            if loop[0] <= at <= loop[1] and function.touches_stack(text):
                faults.append(f"{function.name}: loop {loop[0]:x}..{loop[1]:x} touches the stack at {at:x}: {text}")
                break
    return len(marks), faults


def main():
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("usage: tools/check_inner_loops.py BUILD_DIR")
    build = Path(sys.argv[1])
    loops, broken = 0, 0
    for obj in sorted(o for o in build.rglob("*.o") if o.parent.name in FOLDERS and o.parent.parent.name == "kernels"):
        count, faults = check(obj)
        loops, broken = loops + count, broken + len(faults)
        for fault in faults:
            print(f"{obj.relative_to(build)}: {fault}")
    print(f"check_inner_loops: {loops} loops, {broken} broken")
    if loops == 0:
        print("check_inner_loops: no marked loop was found")
    sys.exit(0 if loops > 0 and broken == 0 else 1)


if __name__ == "__main__":
    main()
