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

describe("a machine's story", () => {
  const firmware = [offered("snponly.efi"), sent("boot-program")];
  const ipxe = [offered(script), booted("stable")];
  const files = [sent("kernel"), sent("initrd"), sent("squashfs"), sent("cloud-config")];
  const table: [name: string, events: MachineEvent[], state: string, steps: string[]][] = [
    ["begins with what it was offered", firmware.slice(0, 1), "asking", ["asked", "offered"]],
    ["goes on with iPXE", [...firmware, ...ipxe], "booting", ["asked", "offered", "boot-program"]],
    [
      "is not at its end before the cloud-config was fetched",
      [...firmware, ...ipxe, ...files.slice(0, 3)],
      "booting",
      ["asked", "offered", "boot-program", "kernel", "initrd", "squashfs"],
    ],
    [
      "goes on while the squashfs is on its way",
      [...ipxe, ...files.slice(0, 2), progress("squashfs", 20)],
      "booting",
      ["asked", "offered", "kernel", "initrd", "squashfs"],
    ],
    [
      "ends where there is nothing for it",
      [offered(script), booted(undefined)],
      "refused",
      ["asked", "offered"],
    ],
    [
      "ends where nothing is offered",
      [{ type: "ignored", mac, reason: "x", isNotable: true }],
      "refused",
      [],
    ],
    [
      "begins anew when the firmware asks after the script",
      [...ipxe, sent("script"), ...files.slice(0, 1), ...firmware.slice(0, 1)],
      "asking",
      ["asked", "offered"],
    ],
    [
      "does not begin anew when iPXE asks again",
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

  it("says once that the machine has all it needs", () => {
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

  it("says of a machine that fetches that it stalled only after two minutes without a byte", () => {
    const session = story([...ipxe, progress("squashfs", 10)]);
    assert.equal(session.stalledAfter(121_000), undefined);
    assert.equal(session.stalledAfter(123_000), "squashfs");
    session.add(progress("squashfs", 11), 123_000);
    assert.equal(session.stalledAfter(124_000), undefined);
  });

  it("goes on after a restart of the server with what is still to come", () => {
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

  it("is that of a boot under way from the script on, and while it stalls", () => {
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

  it("keeps the last thirty events only", () => {
    const session = story(Array.from({ length: 100 }, () => sent("kernel")));
    assert.equal(session.events.length, 30);
  });
});
