import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BootSession } from "../../../src/boot-server/events/boot-session.js";
import type { MachineEvent } from "../../../src/boot-server/events/events.js";
import type { FileRole } from "../../../src/boot-server/files/served-file.js";

const mac = "52:54:00:aa:bb:01";
const client = "10.77.0.50";
const script = "http://10.77.0.2:8080/boot.ipxe";

const offered = (bootFile: string): MachineEvent => {
  return { type: "offered", mac, architecture: "amd64", firmware: "uefi", bootFile };
};
const booted = (release: string | undefined): MachineEvent => {
  return { type: "script", mac, release, reasons: ["because"] };
};
const sent = (role: FileRole, isComplete = true): MachineEvent => {
  const transfer = { mac, client, protocol: "http", role, name: role, size: 100 } as const;
  return { ...transfer, type: "sent", sent: isComplete ? 100 : 40, seconds: 1, isComplete };
};
const progress = (role: FileRole, done: number): MachineEvent => {
  const transfer = { mac, client, protocol: "http", role, name: role, size: 100 } as const;
  return { ...transfer, type: "progress", sent: done, rate: 5 };
};

/** Events, one a second, and the story they make. */
function story(events: readonly MachineEvent[], start = 0): BootSession {
  const session = new BootSession(mac, start);
  session.expect(["kernel", "initrd", "squashfs", "cloud-config"]);
  for (const [index, event] of events.entries()) session.add(event, start + index * 1000);
  return session;
}

describe("the boot session of a machine", () => {
  const firmware = [offered("snponly.efi"), sent("boot-program")];
  const ipxe = [offered(script), booted("stable")];
  const files = [sent("kernel"), sent("initrd"), sent("squashfs"), sent("cloud-config")];
  const table: [name: string, events: MachineEvent[], state: string, steps: string[]][] = [
    ["begins with an offer", firmware.slice(0, 1), "asking", ["asked", "offered"]],
    [
      "continues with iPXE",
      [...firmware, ...ipxe],
      "booting",
      ["asked", "offered", "boot-program"],
    ],
    [
      "is not complete before the cloud-config is fetched",
      [...firmware, ...ipxe, ...files.slice(0, 3)],
      "booting",
      ["asked", "offered", "boot-program", "kernel", "initrd", "squashfs"],
    ],
    [
      "continues while the squashfs is being sent",
      [...ipxe, ...files.slice(0, 2), progress("squashfs", 20)],
      "booting",
      ["asked", "offered", "kernel", "initrd", "squashfs"],
    ],
    [
      "ends with a refusal by the script",
      [offered(script), booted(undefined)],
      "refused",
      ["asked", "offered"],
    ],
    [
      "ends with a refusal by DHCP",
      [{ type: "ignored", mac, reason: "x", isNotable: true }],
      "refused",
      [],
    ],
    [
      "starts again when the firmware asks after the script",
      [...ipxe, sent("script"), ...files.slice(0, 1), ...firmware.slice(0, 1)],
      "asking",
      ["asked", "offered"],
    ],
    [
      "does not start again when iPXE asks again",
      [...ipxe, sent("kernel"), offered(script)],
      "booting",
      ["asked", "offered", "kernel"],
    ],
  ];
  for (const [name, events, state, steps] of table) {
    it(name, () => {
      const session = story(events);
      assert.equal(session.state, state);
      assert.deepEqual([...session.steps.keys()], steps);
    });
  }

  it("reports once that the machine has everything it needs", () => {
    const session = new BootSession(mac, 0);
    session.expect(["squashfs", "cloud-config"]);
    assert.equal(session.add(booted("stable"), 0), false);
    assert.equal(session.add(sent("squashfs", false), 1), false);
    assert.equal(session.add(sent("squashfs"), 2), false);
    assert.equal(session.add(sent("cloud-config"), 3), true);
    session.add({ type: "booted", mac, release: "stable", seconds: 3 }, 4);
    assert.equal(session.add(sent("cloud-config"), 5), false);
    assert.equal(session.state, "booted");
  });

  it("reports a stall only after two minutes without a byte", () => {
    const session = story([...ipxe, progress("squashfs", 10)]);
    assert.equal(session.stalledAfter(121_000), undefined);
    assert.equal(session.stalledAfter(123_000), "squashfs");
    session.add(progress("squashfs", 11), 123_000);
    assert.equal(session.stalledAfter(124_000), undefined);
  });

  it("resumes after a restart of the server with the remaining files", () => {
    const session = new BootSession(mac, 0);
    assert.equal(session.isUnderWay, false);
    session.resume("stable", ["squashfs", "cloud-config"]);
    assert.equal(session.add(progress("squashfs", 10), 1), false);
    session.resume("stable", ["cloud-config"]);
    assert.equal(session.isUnderWay, true);
    assert.equal(session.add(sent("cloud-config"), 2), false);
    assert.equal(session.add(sent("squashfs"), 3), true);
    session.add({ type: "booted", mac, release: "stable", seconds: 3 }, 4);
    assert.equal(session.isUnderWay, false);
    assert.equal(session.release, "stable");
  });

  it("is under way from the script on, even while it stalls", () => {
    const session = new BootSession(mac, 0);
    session.add(offered("snponly.efi"), 1);
    session.add(sent("boot-program"), 2);
    assert.equal(session.isUnderWay, false);
    session.expect(["kernel"]);
    session.add(booted("stable"), 3);
    assert.equal(session.isUnderWay, true);
    session.add({ type: "stalled", mac, step: "script", seconds: 120 }, 4);
    assert.equal(session.isUnderWay, true);
    session.add({ type: "sent-to-disk", mac, reasons: [] }, 5);
    assert.equal(session.isUnderWay, false);
  });

  it("keeps the last thirty events", () => {
    const session = story(Array.from({ length: 100 }, () => sent("kernel")));
    assert.equal(session.events.length, 30);
  });
});
