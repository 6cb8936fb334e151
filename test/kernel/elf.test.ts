import assert from "node:assert/strict";
import { readFile, realpath } from "node:fs/promises";
import { describe, it } from "node:test";
import { elfArchitecture } from "../../src/kernel/index.js";
import { elfHeader } from "../support/elf-header.js";

/** `e_machine` as glibc's elf.h has it, and Go's names (go tool dist list), which OCI uses. */
const cases: [name: string, header: Buffer, architecture: string | undefined][] = [
  ["EM_386", elfHeader({ machine: 3, bits: 32 }), "386"],
  ["EM_X86_64", elfHeader({ machine: 62 }), "amd64"],
  ["EM_ARM", elfHeader({ machine: 40, bits: 32 }), "arm"],
  ["EM_AARCH64", elfHeader({ machine: 183 }), "arm64"],
  ["EM_RISCV", elfHeader({ machine: 243 }), "riscv64"],
  ["EM_LOONGARCH", elfHeader({ machine: 258 }), "loong64"],
  ["EM_S390", elfHeader({ machine: 22, isBigEndian: true }), "s390x"],
  ["EM_PPC64", elfHeader({ machine: 21 }), "ppc64le"],
  ["EM_PPC64, big-endian", elfHeader({ machine: 21, isBigEndian: true }), "ppc64"],
  ["EM_MIPS", elfHeader({ machine: 8 }), "mips64le"],
  ["EM_MIPS, 32 bits, big-endian", elfHeader({ machine: 8, bits: 32, isBigEndian: true }), "mips"],
  ["EM_RISCV, 32 bits", elfHeader({ machine: 243, bits: 32 }), undefined],
  ["EM_SPARCV9", elfHeader({ machine: 43, isBigEndian: true }), undefined],
  ["a truncated header", elfHeader({ machine: 62 }).subarray(0, 19), undefined],
  ["a script", Buffer.from("#!/usr/bin/env sh\nexec busybox sh\n"), undefined],
  ["an empty file", Buffer.alloc(0), undefined],
];

describe("elfArchitecture", () => {
  for (const [name, header, architecture] of cases) {
    it(`returns ${architecture} for ${name}`, () => {
      assert.equal(elfArchitecture(header), architecture);
    });
  }

  it("returns Go's name for this machine's shell", async () => {
    const names: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };
    const expected = names[process.arch] ?? process.arch;
    assert.equal(elfArchitecture(await readFile(await realpath("/bin/sh"))), expected);
  });
});
