import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import type { BootClient } from "../../../src/boot-server/dhcp/boot-client.js";
import {
  BootPrograms,
  findProgramNamed,
  findSecondStages,
  readBootProgram,
} from "../../../src/boot-server/releases/boot-programs.js";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";

async function programsIn(...names: string[]): Promise<BootPrograms> {
  const directory = await temporaryDirectory();
  for (const name of names) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), name);
  }
  return BootPrograms.find([directory]);
}

const client = (architecture: string, firmware: string) =>
  ({ architecture, firmware }) as BootClient;

describe("boot programs", () => {
  it("are found in the layout of Debian's package", async () => {
    const programs = await programsIn("undionly.kpxe", "snponly.efi", "ipxe.efi", "ipxe.lkrn");
    assert.equal(programs.programFor(client("amd64", "bios"))?.name, "undionly.kpxe");
    assert.match(programs.programFor(client("amd64", "uefi"))!.path, /\/snponly\.efi$/);
    assert.deepEqual(programs.missingFor("amd64"), []);
    assert.deepEqual(programs.missingFor("arm64"), ["uefi"]);
  });

  it("are found in the layout of ipxe.org, including arm64", async () => {
    const programs = await programsIn("arm64-efi/snponly.efi", "x86_64-efi/ipxe.efi");
    for (const firmware of ["uefi", "u-boot"]) {
      assert.match(
        programs.programFor(client("arm64", firmware))!.path,
        /\/arm64-efi\/snponly\.efi$/,
      );
    }
    assert.match(programs.programFor(client("amd64", "uefi"))!.path, /\/x86_64-efi\/ipxe\.efi$/);
    assert.deepEqual(programs.missingFor("amd64"), ["bios"]);
  });

  it("are not given to other firmware", async () => {
    const programs = await programsIn("snponly.efi");
    for (const [architecture, firmware] of [
      ["amd64", "bios"],
      ["arm64", "uefi"],
      ["386", "uefi"],
      ["arm64", "raspberry-pi"],
    ] as const) {
      assert.equal(programs.programFor(client(architecture, firmware)), undefined);
    }
  });

  it("include the files that a shim fetches from its own directory", async () => {
    const directory = await temporaryDirectory();
    // Debian's shim-signed, EDK2's revocations (rhboot/shim, README), and what shim does not fetch.
    const fetched = ["grubx64.efi", "mmx64.efi", "fbx64.efi", "revocations.efi", "ipxe.efi"];
    for (const name of ["shimx64.efi", ...fetched, "other.efi", "grub.cfg"]) {
      await writeFile(join(directory, name), name);
    }
    const found = async (name: string) => {
      const program = (await readBootProgram(join(directory, name)))!;
      return (await findSecondStages(program)).map((it) => it.name);
    };
    assert.deepEqual((await found("shimx64.efi")).sort(), [...fetched].sort());
    assert.deepEqual(await found("ipxe.efi"), []);
  });

  it("are found in another case, because some firmware changes it", () => {
    const programs = new Map([["snponly.efi", 1]]);
    assert.equal(findProgramNamed(programs, "SNPONLY.EFI"), 1);
    assert.equal(findProgramNamed(programs, "snponly"), undefined);
  });

  it("of the first directory take precedence over those of the second", async () => {
    const [first, second] = [await temporaryDirectory(), await temporaryDirectory()];
    for (const directory of [first, second]) await writeFile(join(directory, "ipxe.efi"), "");
    const { path } = (await BootPrograms.find([first, second])).programFor(
      client("amd64", "uefi"),
    )!;
    assert.equal(path, join(first, "ipxe.efi"));
  });
});
