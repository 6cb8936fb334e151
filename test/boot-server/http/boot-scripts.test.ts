import assert from "node:assert/strict";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, before, beforeEach, describe, it } from "node:test";
import type { Release } from "../../../src/boot-server/releases/release.js";
import { sharedDirectory } from "../../extract/support/temporary-directory.js";
import { type HttpSite, startHttpSite } from "../support/http-site.js";
import { releases } from "../support/rules-of.js";

let directory: string;
beforeEach(async () => {
  directory = await sharedDirectory();
});

describe("machines over HTTP", () => {
  let site: HttpSite;
  let state: string;
  const machinesFile = `machines:
  - match: { mac: "52:54:00:00:00:01" }
    hostname: node-1
    cloud-config: secret.yaml
    cmdline: console=ttyS1
  - match: { mac: "52:54:00:00:00:02" }
    cloud-config: https://configs.example/\${machine.mac}?serial=\${machine.serial}
  - match: { mac: "52:54:00:00:00:03" }
    boot: local
  - match: { mac: "52:54:00:00:00:04" }
    boot: deny
`;
  const secret = `#cloud-config
password: hunter2
hostname: \${machine.hostname}
# \${machine.mac} \${machine.ip} \${machine.uuid} \${machine.serial}
shell: \${HOSTNAME} {{ .MachineID }}
`;
  before(async () => {
    state = await sharedDirectory();
    await mkdir(state, { recursive: true });
    await writeFile(join(state, "machines.yaml"), machinesFile);
    await writeFile(join(state, "secret.yaml"), secret);
  });
  beforeEach(async () => {
    site = await startHttpSite({ releases, machinesFile: join(state, "machines.yaml"), state });
  });
  afterEach(() => site.server.close(0));

  const get = async (path: string) => (await fetch(`${site.base}${path}`)).text();
  const scriptFor = (last: string, more = "") =>
    get(
      `/machine.ipxe?mac=52:54:00:00:00:0${last}&buildarch=x86_64&uuid=U-1&serial=a%22b%0Ac${more}`,
    );
  const configIn = (script: string) => / config_url=(\S+)/.exec(script)?.[1];

  it("gives a machine its cloud-config with its facts, even after a restart", async () => {
    const address = configIn(await scriptFor("1"))!;
    const path = new URL(address).pathname;
    const expected = `#cloud-config
password: hunter2
hostname: node-1
# 52:54:00:00:00:01 127.0.0.1 u-1 a-b-c
shell: \${HOSTNAME} {{ .MachineID }}
`;
    assert.equal(await get(path), expected);
    await site.server.close(0);
    site = await startHttpSite({ releases, machinesFile: join(state, "machines.yaml"), state });
    assert.equal(await get(path), expected);
    assert.equal((await stat(join(state, "key"))).mode & 0o777, 0o600);
  });

  it("refuses a cloud-config for a URL that the server did not make", async () => {
    const path = new URL(configIn(await scriptFor("1"))!).pathname;
    const [word, signature] = path.slice("/cloud-config/".length).split(".") as [string, string];
    const said = JSON.parse(Buffer.from(word, "base64url").toString()) as object;
    const forged = (change: object) =>
      Buffer.from(JSON.stringify({ ...said, ...change })).toString("base64url");
    const attempts = [
      `${forged({ serial: "x" })}.${signature}`,
      `${word}.${"A".repeat(signature.length)}`,
      `${word}.${signature.slice(0, -2)}`,
      word,
      "52:54:00:00:00:01",
      "secret.yaml",
    ];
    for (const attempt of attempts) {
      const answer = await fetch(`${site.base}/cloud-config/${attempt}`);
      assert.equal(answer.status, 403, attempt);
      assert.doesNotMatch(await answer.text(), /hunter2/);
    }
  });

  it("keeps cloud-configs out of the status and the log", async () => {
    const events: unknown[] = [];
    const own = await startHttpSite({
      releases,
      machinesFile: join(state, "machines.yaml"),
      state,
      onEvent: (event) => events.push(event),
    });
    const script = await (
      await fetch(`${own.base}/machine.ipxe?mac=52:54:00:00:00:01&buildarch=x86_64`)
    ).text();
    const path = new URL(configIn(script)!).pathname;
    await fetch(`${own.base}${path}`);
    own.eventLog.add({ type: "script", mac: "52:54:00:00:00:01", release: "stable", reasons: [] });
    const seen = [JSON.stringify(events)];
    for (const page of ["/", "/api/machines", "/api/machines/52:54:00:00:00:01", "/metrics"]) {
      seen.push(await (await fetch(`${own.base}${page}`)).text());
    }
    await own.server.close(0);
    assert.match(seen.join(), /52:54:00:00:00:01/);
    assert.ok(!seen.join().includes("hunter2"));
    assert.ok(!seen.join().includes(path.slice("/cloud-config/".length)));
  });

  it("encodes the facts of a machine in a URL", async () => {
    const address = configIn(await scriptFor("2"));
    assert.equal(address, "https://configs.example/52%3A54%3A00%3A00%3A00%3A02?serial=a%22b%0Ac");
  });

  it("adds the words of a machine's entry to its command line", async () => {
    assert.match(await scriptFor("1"), /^kernel .* console=ttyS1 /m);
  });

  for (const [last, word] of [
    ["3", "disk"],
    ["4", "not served"],
  ] as const) {
    it(`gives machine ${last} neither a script nor files`, async () => {
      const script = await scriptFor(last);
      assert.match(script, new RegExp(word));
      assert.match(script, /^exit 1$/m);
      assert.doesNotMatch(script, /^(kernel|initrd|boot)/m);
      for (const name of ["stable-kernel", "stable-initrd", "stable.squashfs"]) {
        const { status } = await fetch(`${site.base}/releases/1/${name}`);
        assert.equal(status, 403, name);
      }
    });
  }

  describe("gives the files of a script to the machine that got the script", () => {
    /** The URLs of the files in a machine's script, without the server. */
    const placeIn = (script: string) =>
      / root=live:http:\/\/[^/]+(\/.*)\/stable\.squashfs /.exec(script)![1]!;
    const own = "52:54:00:00:00:01";
    const other = "52:54:00:00:00:77";
    const files = ["stable-kernel", "stable-initrd", "stable.squashfs"];
    const neighbour = (mac: string) => {
      return { address: "127.0.0.1", mac, interface: "eth0", isComplete: true };
    };
    let owner = own;
    let strict: HttpSite;
    let place: string;
    beforeEach(async () => {
      const names = ["a", "b", "c"].map((it) => join(directory, it));
      await mkdir(directory, { recursive: true });
      for (const path of names) await writeFile(path, path);
      const [kernel, initrd, squashfs] = names as [string, string, string];
      const stable = releases[0]!;
      const real: Release = {
        ...stable,
        kernel: { ...stable.kernel, path: kernel },
        initrd: { ...stable.initrd, path: initrd },
        squashfs: { ...stable.squashfs, path: squashfs },
      };
      const machinesFile = join(directory, "machines.yaml");
      await writeFile(
        machinesFile,
        `machines: [{ match: { mac: "${own}", serial: S1 }, boot: netboot }]\ndefaults: { boot: deny }\n`,
      );
      const start = () =>
        startHttpSite({
          releases: [real],
          machinesFile,
          state: directory,
          neighbours: () => [neighbour(owner)],
        });
      owner = own;
      const earlier = await start();
      const script = await fetch(
        `${earlier.base}/machine.ipxe?mac=${own}&buildarch=x86_64&serial=S1`,
      );
      place = placeIn(await script.text());
      await earlier.server.close(0);
      strict = await start();
    });
    afterEach(() => strict.server.close(0));

    it("even by another network card, and after a restart", async () => {
      owner = other;
      for (const name of files) {
        assert.equal((await fetch(`${strict.base}/releases/1/${name}`)).status, 403, name);
        assert.equal((await fetch(`${strict.base}${place}/${name}`)).status, 200, name);
      }
    });

    it("by a short token that gives no access to a cloud-config", async () => {
      const word = place.split("/")[2]!;
      assert.ok(word.length < 128, word);
      assert.equal((await fetch(`${strict.base}/cloud-config/${word}`)).status, 403);
    });

    it("but not for a forged token", async () => {
      for (const word of ["x", "x.y", place.split("/")[2]!.slice(0, -2), ""]) {
        const answer = await fetch(`${strict.base}/for/${word}/releases/1/stable.squashfs`);
        const isNone = word === "";
        assert.equal(answer.status, isNone ? 404 : 403, word);
        if (!isNone) assert.match(await answer.text(), /made it with another key\./);
      }
    });

    it("and no other files below the same path", async () => {
      const prefix = place.slice(0, place.indexOf("/releases/"));
      for (const path of [
        "",
        "/",
        "/machine.ipxe",
        "/programs/snponly.efi",
        `${prefix}/releases/1/a`,
      ]) {
        assert.equal((await fetch(`${strict.base}${prefix}${path}`)).status, 404, path);
      }
    });
  });

  it("does not pass text of a machine to iPXE", async () => {
    const answer = await get(
      "/machine.ipxe?mac=52:54:00:00:00:05&buildarch=$%7Bx%7D%0Aboot&platform=efi",
    );
    assert.doesNotMatch(answer, /\$\{x\}|^boot$/m);
  });
});
