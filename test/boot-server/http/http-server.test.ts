import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import type { HttpServer } from "../../../src/boot-server/http/http-server.js";
import { BootPrograms } from "../../../src/boot-server/releases/boot-programs.js";
import { readAllReleases } from "../../../src/boot-server/releases/find-releases.js";
import { extract } from "../../../src/index.js";
import { demoImage } from "../../extract/support/run-netboot.js";
import { sharedDirectory } from "../../extract/support/temporary-directory.js";
import { startHttpSite } from "../support/http-site.js";

const run = promisify(execFile);
const name = "kairos-demo-1-core-amd64-generic-v0.1.0";
const squashfs = `/releases/1/${name}.squashfs`;

describe("the HTTP server", () => {
  let server: HttpServer;
  let port: number;
  let base: string;
  let out: string;
  let bytes: Buffer;

  before(async () => {
    const directory = await sharedDirectory();
    out = join(directory, "out");
    await extract({ image: demoImage, output: out, platform: "amd64" });
    bytes = await readFile(join(out, `${name}.squashfs`));
    const ipxe = join(directory, "ipxe");
    await mkdir(ipxe);
    await writeFile(join(ipxe, "snponly.efi"), "not really a program");
    await symlink("/etc/passwd", join(out, "link"));
    const config = join(directory, "config.yaml");
    await writeFile(config, "#cloud-config\nhostname: demo\n");
    ({ server, base } = await startHttpSite({
      releases: (await readAllReleases({ directories: [out], files: undefined })).flat(),
      programs: await BootPrograms.find([ipxe]),
      commandLine: "console=ttyS1",
      cloudConfig: config,
    }));
    port = Number(new URL(base).port);
  });
  after(() => server.close(0));

  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${base}${path}`, { headers });

  it("serves kernel, initrd and squashfs to curl, byte for byte", async () => {
    for (const file of [`${name}-kernel`, `${name}-initrd`, `${name}.squashfs`]) {
      const url = `${base}/releases/1/${file}`;
      const { stdout } = await run("curl", ["--silent", "--fail", url], { encoding: "buffer" });
      assert.ok(stdout.equals(await readFile(join(out, file))), file);
    }
  });

  it("answers HEAD with the length and a strong ETag: the SHA-256 of the file", async () => {
    const { headers, status } = await fetch(`${base}${squashfs}`, { method: "HEAD" });
    assert.equal(status, 200);
    assert.equal(headers.get("content-length"), String(bytes.length));
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    assert.equal(headers.get("etag"), `"${sha256}"`);
    assert.equal(headers.get("accept-ranges"), "bytes");
  });

  it("ignores a range in a HEAD request, which is for GET only (RFC 9110, section 14.2)", async () => {
    for (const range of ["bytes=0-99", `bytes=${bytes.length + 1000}-`]) {
      const answer = await fetch(`${base}${squashfs}`, { method: "HEAD", headers: { range } });
      assert.equal(answer.status, 200, range);
      assert.equal(answer.headers.get("content-length"), String(bytes.length), range);
    }
  });

  it("accepts the absolute form of a target (RFC 9112, section 3.2.2)", async () => {
    // curl sends it to a proxy.
    const words = ["--silent", "--fail", "--proxy", base, `http://192.0.2.1:8080${squashfs}`];
    const { stdout } = await run("curl", words, { encoding: "buffer" });
    assert.ok(stdout.equals(bytes));
  });

  it("serves ranges, and lets curl resume", async () => {
    const middle = await get(squashfs, { range: "bytes=100-199" });
    assert.equal(middle.status, 206);
    assert.equal(middle.headers.get("content-range"), `bytes 100-199/${bytes.length}`);
    assert.deepEqual(Buffer.from(await middle.arrayBuffer()), bytes.subarray(100, 200));
    const target = join(await sharedDirectory(), "part");
    await writeFile(target, bytes.subarray(0, 1000));
    await run("curl", ["--silent", "--continue-at", "-", "--output", target, `${base}${squashfs}`]);
    assert.ok(bytes.equals(await readFile(target)));
  });

  const conditions: [string, Record<string, string>, number][] = [
    ["a range beyond the end", { range: "bytes=999999999-" }, 416],
    ["If-Match with another ETag", { "if-match": '"other"', range: "bytes=0-9" }, 412],
    ["If-Range with another ETag", { "if-range": '"other"', range: "bytes=0-9" }, 200],
  ];
  for (const [what, headers, status] of conditions) {
    it(`answers ${what} with ${status}`, async () => {
      const answer = await get(squashfs, headers);
      await answer.arrayBuffer();
      assert.equal(answer.status, status);
    });
  }

  it("answers If-Match and If-Range with the right ETag with the range", async () => {
    const etag = (await fetch(`${base}${squashfs}`, { method: "HEAD" })).headers.get("etag")!;
    for (const header of ["if-match", "if-range"]) {
      const answer = await get(squashfs, { [header]: etag, range: "bytes=0-9" });
      assert.equal(answer.status, 206, header);
      assert.equal((await answer.arrayBuffer()).byteLength, 10);
    }
  });

  it("gives firmware the content type of iPXE, even for a path with double slashes", async () => {
    for (const path of ["/programs/snponly.efi", "//programs//snponly.efi"]) {
      const answer = await get(path);
      assert.equal(answer.headers.get("content-type"), "application/efi");
      assert.equal(await answer.text(), "not really a program");
    }
  });

  it("gives every iPXE a script that reports the machine", async () => {
    const script = await (await get("/boot.ipxe")).text();
    assert.match(script, /^#!ipxe\n/);
    assert.match(script, new RegExp(`chain --replace ${base}/machine\\.ipxe\\?mac=\\$\\{mac\\}&`));
  });

  it("gives a machine the script of the release for its architecture", async () => {
    const script = await (await get("/machine.ipxe?mac=52:54:00:aa:bb:01&buildarch=x86_64")).text();
    const url = `${base}/for/[\\w-]+\\.[\\w-]+/releases/[0-9a-f]{12}`;
    assert.match(script, new RegExp(`^kernel --name ${name}-kernel ${url}/${name}-kernel `, "m"));
    assert.match(script, new RegExp(` root=live:${url}/${name}\\.squashfs initrd=${name}-initrd `));
    assert.match(script, new RegExp(` config_url=${base}/cloud-config/\\S+ .* console=ttyS1 `));
    assert.match(script, new RegExp(`^initrd --name ${name}-initrd ${url}/${name}-initrd `, "m"));
    // Where its files were replaced meanwhile, it is to get another script.
    assert.ok(script.endsWith(`\nsleep 10\nchain --replace ${base}/boot.ipxe || goto failed\n`));
  });

  it("gives a 32-bit iPXE on a BIOS the same, and refuses other architectures", async () => {
    const mac = "52:54:00:aa:bb:01";
    const text = async (query: string) => (await get(`/machine.ipxe?mac=${mac}&${query}`)).text();
    assert.match(await text("buildarch=i386&platform=pcbios"), /^kernel /m);
    for (const query of ["buildarch=arm64&platform=efi", "buildarch=i386&platform=efi", ""]) {
      assert.doesNotMatch(await text(query), /kernel/, query);
    }
  });

  it("makes URLs from the address of the connection, not from the Host header field", async () => {
    const { stdout } = await run("curl", ["-s", "-H", "Host: evil.example", `${base}/boot.ipxe`]);
    assert.ok(stdout.includes(`${base}/machine.ipxe`) && !stdout.includes("evil"));
  });

  it("refuses a machine that does not report its MAC address", async () => {
    for (const query of ["", "mac=", "mac=1", "mac=52:54:00:aa:bb:01%0a"]) {
      const script = await (await get(`/machine.ipxe?buildarch=x86_64&${query}`)).text();
      assert.match(script, /^#!ipxe\necho .*MAC address/, query);
      assert.doesNotMatch(script, /kernel/);
    }
  });

  const nowhere = [
    "/nothing",
    "/cloud-config",
    "/releases/1/netboot.json",
    "/releases/1/link",
    "/releases/2/x",
    "/releases/1/../1/../../../../etc/passwd",
    "/releases/1/..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
    "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/programs/..%2f..%2fetc%2fpasswd",
    "/programs/%00",
    "//etc/passwd",
    "/etc/passwd",
    `${squashfs}%00`,
    `${squashfs}\\..\\x`,
    "/constructor",
    "/__proto__",
  ];
  for (const path of nowhere) {
    it(`finds nothing at ${path}`, async () => {
      const args = [
        "-s",
        "--path-as-is",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        `${base}${path}`,
      ];
      assert.equal((await run("curl", args)).stdout, "404");
    });
  }

  it("answers malformed requests with 400 and other methods with 405, and keeps serving", async () => {
    const status = async (...args: string[]) =>
      (await run("curl", ["-s", "-o", "/dev/null", "-w", "%{http_code}", ...args])).stdout;
    assert.equal(await status(`${base}/%zz`), "400");
    assert.equal(await status("-X", "POST", "-d", "x", `${base}${squashfs}`), "405");
    const socket = connect(port, "127.0.0.1");
    socket.end("\x16\x03\x01 no request at all\r\n\r\n");
    const [bytes] = await once(socket, "data");
    assert.match(String(bytes), /^HTTP\/1\.1 400 /);
    assert.equal(await status(`${base}${squashfs}`), "200");
  });
});
