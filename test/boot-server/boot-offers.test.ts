import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { BootOffers } from "../../src/boot-server/boot-offers.js";
import type { BootClient } from "../../src/boot-server/dhcp/boot-client.js";
import { BootPolicy } from "../../src/boot-server/machines/boot-policy.js";
import { MachineStore } from "../../src/boot-server/machines/machine-store.js";
import { BootPrograms } from "../../src/boot-server/releases/boot-programs.js";
import { sharedDirectory } from "../extract/support/temporary-directory.js";
import { mac, rulesOf } from "./support/rules-of.js";

let directory: string;
beforeEach(async () => {
  directory = await sharedDirectory();
});

describe("the boot program in a machines file", () => {
  const ofUefi = { architecture: "amd64", firmware: "uefi", protocol: "pxe" } as const;
  const ofBios = { architecture: "amd64", firmware: "bios", protocol: "pxe" } as const;
  const ofPi = { architecture: "arm64", firmware: "raspberry-pi", protocol: "pxe" } as const;
  const ofUBoot = { architecture: "amd64", firmware: "u-boot", protocol: "pxe" } as const;
  const none = "There is no iPXE for arm64 with raspberry-pi (--ipxe-dir).";
  const table: [client: Partial<BootClient>, program: string, offered: string][] = [
    [ofUefi, "own.efi", "own.efi"],
    [ofUefi, "OWN.EFI", "OWN.EFI"],
    [ofUefi, "shimx64.efi.signed", "shimx64.efi.signed"],
    [ofUefi, "pxelinux.0", "snponly.efi"],
    [{ ...ofUefi, protocol: "http" }, "pxelinux.0", "http://10.0.0.1:8080/programs/snponly.efi"],
    [ofBios, "pxelinux.0", "pxelinux.0"],
    [ofBios, "own.efi", "undionly.kpxe"],
    [ofUBoot, "boot.scr", "boot.scr"],
    [ofPi, "own.efi", none],
  ];
  for (const [client, program, offered] of table) {
    it(`${program} is ${program === offered ? "" : "not "}offered to ${client.firmware} by ${client.protocol}`, async () => {
      const files = { [program]: "", "snponly.efi": "", "undionly.kpxe": "" };
      const rules = await rulesOf(
        directory,
        `machines: []\ndefaults: { boot-program: ${program} }\n`,
        files,
      );
      const own = { allow: [], deny: [], rules: () => rules, bootedAt: () => undefined };
      const programs = await BootPrograms.find([directory]);
      const offers = new BootOffers({
        policy: new BootPolicy(own),
        machineStore: new MachineStore(),
        programs,
      });
      const asks = { mac, isIpxe: false, ...client } as BootClient;
      const choice = await offers.choose(asks, "http://10.0.0.1:8080");
      assert.equal(
        "refusal" in choice ? choice.refusal : "bootFile" in choice && choice.bootFile,
        offered,
      );
    });
  }
});
