import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import type { BootClient } from "../../../src/boot-server/dhcp/boot-client.js";
import { BootPrograms } from "../../../src/boot-server/releases/boot-programs.js";
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

  it("of the first directory take precedence over those of the second", async () => {
    const [first, second] = [await temporaryDirectory(), await temporaryDirectory()];
    for (const directory of [first, second]) await writeFile(join(directory, "ipxe.efi"), "");
    const { path } = (await BootPrograms.find([first, second])).programFor(
      client("amd64", "uefi"),
    )!;
    assert.equal(path, join(first, "ipxe.efi"));
  });
});
