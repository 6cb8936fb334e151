import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { MachineStore } from "../../../src/boot-server/machines/machine-store.js";
import type { ArpEntry } from "../../../src/boot-server/net/arp-table.js";
import { sharedDirectory } from "../../extract/support/temporary-directory.js";
import { type HttpSite, startHttpSite } from "../support/http-site.js";
import { releaseNamed } from "../support/releases.js";

const first = "52:54:00:aa:bb:01";
const second = "52:54:00:aa:bb:02";
const neighbour = (address: string, mac: string): ArpEntry => {
  return { address, mac, interface: "eth0", isComplete: true };
};

/** As the kernel says it where a process has as many files open as it may. */
const tooManyFiles = (): never => {
  throw Object.assign(new Error("too many open files"), { code: "EMFILE" });
};

describe("the owner of an IP address", () => {
  it("is looked up again if it is unknown, even right after another lookup", () => {
    const table = [neighbour("10.77.0.1", first)];
    const machineStore = new MachineStore(() => table);
    assert.equal(machineStore.ownerOf("10.77.0.1"), first);
    assert.equal(machineStore.ownerOf("10.77.0.2"), undefined);
    table.push(neighbour("10.77.0.2", second));
    assert.equal(machineStore.ownerOf("10.77.0.2"), second);
    assert.equal(machineStore.at("10.77.0.2")?.mac, second);
  });

  it("is looked up again for a secret, even if it is known", () => {
    let table = [neighbour("10.77.0.1", first)];
    const machineStore = new MachineStore(() => table);
    assert.equal(machineStore.ownerOf("10.77.0.1"), first);
    table = [neighbour("10.77.0.1", second)];
    assert.equal(machineStore.ownerOf("10.77.0.1", { isSecret: true }), second);
  });

  it("comes from memory while the table is unreadable, but not for a secret", () => {
    let readTable = () => [neighbour("10.77.0.1", first)];
    const machineStore = new MachineStore(() => readTable());
    assert.equal(machineStore.ownerOf("10.77.0.1"), first);
    readTable = tooManyFiles;
    assert.equal(machineStore.ownerOf("10.77.0.1"), first);
    assert.equal(machineStore.ownerOf("10.77.0.2"), undefined);
    assert.throws(() => machineStore.ownerOf("10.77.0.1", { isSecret: true }), { code: "EMFILE" });
  });

  it("is looked up once for many requests of a known machine", () => {
    let reads = 0;
    const machineStore = new MachineStore(() => {
      reads += 1;
      return [neighbour("10.77.0.1", first)];
    });
    for (let question = 0; question < 20; question += 1) machineStore.ownerOf("10.77.0.1");
    assert.ok(reads < 20, `${reads}`);
  });
});

describe("the URL of a cloud-config", () => {
  const release = releaseNamed("stable");
  let site: HttpSite;
  let table: ArpEntry[] | undefined;
  beforeEach(async () => {
    table = [];
    const cloudConfig = join(await sharedDirectory(), "cc.yaml");
    await writeFile(cloudConfig, "#cloud-config\npassword: hunter2\n");
    site = await startHttpSite({
      releases: [release],
      cloudConfig,
      neighbours: () => table ?? tooManyFiles(),
    });
  });
  afterEach(() => site.server.close(0));

  it("is given to nobody while machines cannot be identified", async () => {
    table = undefined;
    const answer = await fetch(`${site.base}/machine.ipxe?mac=${first}&buildarch=x86_64`);
    assert.equal(answer.status, 500);
    assert.doesNotMatch(await answer.text(), /cloud-config/);
  });

  const scriptFor = async (mac: string) =>
    (await fetch(`${site.base}/machine.ipxe?mac=${mac}&buildarch=x86_64`)).text();

  for (const [who, before] of [
    ["is new on the network", []],
    ["took over the address of another machine", [neighbour("127.0.0.1", first)]],
  ] as const) {
    it(`is refused to a machine that ${who} and claims to be another one`, async () => {
      table = [...before];
      assert.match(await scriptFor(first), / config_url=http/);
      table = [neighbour("127.0.0.1", second)];
      const script = await scriptFor(first);
      assert.match(script, /IP address belongs to another MAC/);
      assert.doesNotMatch(script, /config_url/);
    });
  }
});
