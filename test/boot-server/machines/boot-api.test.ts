import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { BootOffers } from "../../../src/boot-server/boot-offers.js";
import type { BootClient } from "../../../src/boot-server/dhcp/boot-client.js";
import { BootApi } from "../../../src/boot-server/machines/boot-api.js";
import { BootPolicy } from "../../../src/boot-server/machines/boot-policy.js";
import { MachineStore } from "../../../src/boot-server/machines/machine-store.js";
import { BootPrograms } from "../../../src/boot-server/releases/boot-programs.js";
import { sharedDirectory } from "../../extract/support/temporary-directory.js";
import { type HttpSite, startHttpSite } from "../support/http-site.js";

const known = "52:54:00:aa:bb:01";
const unknown = "52:54:00:aa:bb:02";
const silent = "52:54:00:aa:bb:03";
const endless = "52:54:00:aa:bb:04";
const denied = "52:54:00:aa:bb:05";
const kernel = Buffer.from("a kernel of ten thousand bytes".padEnd(10_000, "."));

let asked: string[] = [];
/** A back end; `/plain` gives no length. */
function answer({ url = "", headers }: IncomingMessage, response: ServerResponse): void {
  asked.push(url);
  const bytes = /^bytes=(\d+)-$/.exec(headers.range ?? "");
  switch (url) {
    case `/v1/boot/${known}`:
      response.end(
        JSON.stringify({
          kernel: "kernel",
          initrd: ["plain", "/missing"],
          cmdline: 'console=tty0 config={{ URL "config?for=me" }}',
          message: `Hello \${net0/mac}`,
        }),
      );
      break;
    case `/v1/boot/${silent}`:
      break;
    case `/v1/boot/${endless}`:
      response.write(Buffer.alloc(200_000, " "));
      break;
    case "/kernel":
      if (bytes === null) {
        response.writeHead(200, { "Content-Length": kernel.length, "Accept-Ranges": "bytes" });
        response.end(kernel);
      } else {
        const start = Number(bytes[1]);
        const range = `bytes ${start}-${kernel.length - 1}/${kernel.length}`;
        response.writeHead(206, { "Content-Range": range });
        response.end(kernel.subarray(start));
      }
      break;
    case "/plain":
      response.write("in ");
      response.end("pieces");
      break;
    case "/config?for=me":
      response.writeHead(302, { Location: "/moved" }).end();
      break;
    case "/moved":
      response.end("#cloud-config\n");
      break;
    default:
      response.writeHead(404).end("nothing");
  }
}

describe("a boot API", () => {
  let backEnd: Server;
  let api: BootApi;
  let site: HttpSite;
  before(async () => {
    backEnd = createServer(answer).listen(0, "127.0.0.1");
    await once(backEnd, "listening");
    api = new BootApi(`http://127.0.0.1:${(backEnd.address() as AddressInfo).port}`);
    const machinesFile = join(await sharedDirectory(), "machines.yaml");
    await writeFile(machinesFile, `machines: [{ match: { mac: "${denied}" }, boot: deny }]\n`);
    site = await startHttpSite({ releases: [], api, machinesFile });
  });
  after(async () => {
    await site.server.close(0);
    await api.close();
    backEnd.closeAllConnections();
    backEnd.close();
  });

  const script = async (mac: string) =>
    (await fetch(`${site.base}/machine.ipxe?mac=${mac}&buildarch=x86_64`)).text();

  it("says what a machine boots, and its files come through this server", async () => {
    const text = await script(known);
    assert.match(text, /^#!ipxe\necho Hello {3}net0\/mac \n/);
    assert.doesNotMatch(text, new RegExp(api.url), "machines need not reach the back end");
    const line =
      /^kernel --name kernel (\S+) initrd=initrd0 initrd=initrd1 console=tty0 config=(\S+) \|\|/m;
    const [, kernelUrl, configUrl] = line.exec(text)!;
    const [, initrdUrl] = /^initrd --name initrd0 (\S+) /m.exec(text)!;
    const [, missingUrl] = /^initrd --name initrd1 (\S+) /m.exec(text)!;
    assert.match(kernelUrl!, new RegExp(`^${site.base}/proxied/[\\w-]+\\.[\\w-]+$`));

    const whole = await fetch(kernelUrl!);
    assert.equal(whole.headers.get("content-length"), "10000");
    assert.deepEqual(Buffer.from(await whole.arrayBuffer()), kernel);
    const part = await fetch(kernelUrl!, { headers: { Range: "bytes=9990-" } });
    assert.equal(part.status, 206);
    assert.equal(part.headers.get("content-range"), "bytes 9990-9999/10000");
    assert.equal(await part.text(), "..........");
    const head = await fetch(kernelUrl!, { method: "HEAD" });
    assert.deepEqual([head.headers.get("content-length"), await head.text()], ["10000", ""]);
    assert.equal(await (await fetch(initrdUrl!)).text(), "in pieces");
    assert.equal(await (await fetch(configUrl!)).text(), "#cloud-config\n", "after a redirect");
    assert.equal((await fetch(missingUrl!)).status, 502);
  });

  it("is not an open proxy", async () => {
    const [, url] = /^kernel --name kernel (\S+)/m.exec(await script(known))!;
    const [, word, signature] = /proxied\/([\w-]+)\.([\w-]+)/.exec(url!)!;
    const other = Buffer.from(`${api.url}secret`).toString("base64url");
    asked = [];
    for (const path of [`${other}.${signature}`, `${word}.`, `${word}`, `${word}.AAAA`, ""]) {
      assert.equal((await fetch(`${site.base}/proxied/${path}`)).status, 404, path);
    }
    // Signed by this server, but as an address and not as what is known of a machine.
    assert.equal((await fetch(`${site.base}/cloud-config/${word}.${signature}`)).status, 403);
    assert.deepEqual(asked, []);
  });

  it("is not asked about machines that a rule denies", async () => {
    asked = [];
    assert.match(await script(denied), /refused this machine/);
    assert.deepEqual(asked, []);
  });

  const refusals: [name: string, mac: string, reason: RegExp][] = [
    ["another status than 200", unknown, /nothing for this machine \(status 404\)/],
    ["an answer without an end", endless, /larger than 64 KiB/],
    ["no answer", silent, /within 5 seconds/],
  ];
  for (const [name, mac, reason] of refusals) {
    it(`refuses a machine after ${name}`, async () => {
      const said = await api.ask(mac);
      assert.match("refusal" in said ? said.refusal : "", reason);
    });
  }

  it("refuses all machines if it is not reachable", async () => {
    const gone = createServer().listen(0, "127.0.0.1");
    await once(gone, "listening");
    const { port } = gone.address() as AddressInfo;
    gone.close();
    const dead = new BootApi(`http://127.0.0.1:${port}/`);
    const said = await dead.ask(known);
    assert.match("refusal" in said ? said.refusal : "", /cannot be reached \(ECONNREFUSED\)/);
    await dead.close();
  });

  it("decides what DHCP offers, and a slow answer for one machine does not delay the others", async () => {
    const directory = await sharedDirectory();
    await writeFile(join(directory, "snponly.efi"), "program");
    const programs = await BootPrograms.find([directory]);
    const rules = { releases: [], entries: [], defaults: {}, programs: new Map() };
    const policy = new BootPolicy({
      ...{ allow: [], deny: [], rules: () => rules, bootedAt: () => undefined },
      apiUrl: api.url,
    });
    const offers = new BootOffers({ policy, machineStore: new MachineStore(), programs, api });
    const client = (mac: string): BootClient => {
      const kind = { architecture: "amd64", firmware: "uefi", architectureType: 7 } as const;
      return {
        mac,
        uuid: undefined,
        protocol: "pxe",
        isIpxe: false,
        runsScripts: false,
        hasMalformedIdentifier: false,
        ...kind,
      };
    };
    const base = "http://10.0.0.1:8080";
    const stalled = offers.choose(client(silent), base);
    const start = performance.now();
    assert.deepEqual(await offers.choose(client(known), base), {
      bootFile: "snponly.efi",
      style: undefined,
    });
    assert.ok(performance.now() - start < 2_000);
    assert.deepEqual(
      await offers.choose({ ...client(known), isIpxe: true, runsScripts: true }, base),
      {
        bootFile: `${base}/boot.ipxe`,
      },
    );
    const refused = { refusal: "The boot API has nothing for this machine (status 404)." };
    assert.deepEqual(await offers.choose(client(unknown), base), refused);
    assert.match(JSON.stringify(await stalled), /within 5 seconds/);
    asked = [];
    await Promise.all([offers.choose(client(endless), base), offers.choose(client(endless), base)]);
    assert.equal(asked.length, 1, "one question for all networks that a machine asks in");
  });
});
