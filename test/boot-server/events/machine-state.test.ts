import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BootSession, type MachineState } from "../../../src/boot-server/events/boot-session.js";
import type { MachineEvent } from "../../../src/boot-server/events/events.js";

const mac = "52:54:00:aa:bb:01";
const reasons = ["Because."];
const offered: MachineEvent = {
  ...{ type: "offered", mac, architecture: "amd64", firmware: "bios" },
  bootFile: "http://10.77.0.2:8080/boot.ipxe",
};
const denied: MachineEvent = { type: "ignored", mac, reason: "Because.", isNotable: true };

function sent(role: "script" | "kernel", type: "started" | "sent"): MachineEvent {
  const transfer = { mac, client: "10.77.0.98", protocol: "http", role, name: role } as const;
  const bytes = { size: 100, sent: type === "sent" ? 100 : 0 };
  if (type === "started") return { ...transfer, ...bytes, type };
  return { ...transfer, ...bytes, type, seconds: 1, isComplete: true };
}

describe("a machine's state", () => {
  const toDisk: MachineEvent = { type: "sent-to-disk", mac, reasons };
  const nothing: MachineEvent = { type: "script", mac, release: undefined, reasons };
  const script: MachineEvent = { type: "script", mac, release: "stable", reasons };
  const fetched = [sent("script", "started"), sent("script", "sent")];
  const table: [
    name: string,
    events: MachineEvent[],
    state: MachineState,
    why: readonly string[],
  ][] = [
    ["boots", [offered, script, ...fetched], "booting", reasons],
    ["fetches files without an offer", fetched, "booting", []],
    ["is sent to its disk by a script", [offered, toDisk, ...fetched], "disk", reasons],
    ["is sent to its disk by its firmware", [toDisk], "disk", reasons],
    ["is refused by a script", [offered, nothing, ...fetched], "refused", reasons],
    ["is not answered", [denied, denied], "refused", reasons],
    ["may boot after all", [denied, offered, script, ...fetched], "booting", reasons],
  ];
  for (const [name, events, state, why] of table) {
    it(`is ${state} if it ${name}`, () => {
      const session = new BootSession(mac, 0);
      for (const [at, event] of events.entries()) session.add(event, at);
      assert.equal(session.state, state);
      assert.deepEqual(session.reasons, why);
      const isOnItsWay = state === "booting";
      assert.equal(session.stalledAfter(1_000_000) !== undefined, isOnItsWay);
    });
  }
});
