import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type BootLab, startBootLab } from "./boot-lab.js";
import { biosIpxe, bootMachine, uefiPxe } from "./firmware.js";
import type { Lan } from "./lan.js";
import { assertSteps, type Server, startServer } from "./serve-process.js";
import { releaseName } from "./small-image.js";

const machines = [
  {
    network: 0,
    mac: "52:54:00:aa:bb:01",
    firmware: biosIpxe,
    name: "a BIOS machine in the first",
  },
  {
    network: 1,
    mac: "52:54:00:aa:bb:02",
    firmware: biosIpxe,
    name: "a BIOS machine in the second",
  },
  {
    network: 1,
    mac: "52:54:00:aa:bb:03",
    firmware: uefiPxe,
    name: "a UEFI machine in the second",
  },
];

describe("serve, connected to two networks", () => {
  let lab: BootLab;
  let scratch: string;
  let lan: Lan;
  let server: Server;

  before(async () => {
    lab = await startBootLab({ networks: 2 });
    ({ scratch, lan } = lab);
    server = await startServer(lan, scratch, ["out"]);
  });

  after(async () => {
    await server?.stop();
    await lab?.close();
  });

  for (const { network: index, mac, firmware, name } of machines) {
    test(`${name} boots from the address of its own`, async () => {
      const before = server.events.length;
      const network = lan.networks[index]!;
      const kernel = `sent ${releaseName}-kernel by http`;
      const until = () => server.steps.slice(before).includes(kernel);
      await bootMachine({ firmware, mac, lan, network, scratch, until });
      assertSteps(server.steps.slice(before), [/boot\.ipxe$/, `script ${releaseName}`, kernel]);
      // The machine has no route to the other network, so it was given this network's address.
      for (const event of server.events.slice(before)) {
        if (event.type !== "sent") continue;
        assert.equal(event.mac, mac);
        assert.ok(String(event.client).startsWith(network.prefix), `${event.client}`);
      }
    });
  }
});
