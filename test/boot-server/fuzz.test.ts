import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { extract } from "../../src/index.js";
import { demoImage, demoName } from "../extract/support/run-netboot.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { checkout } from "../support/checkout.js";
import { untilSays } from "../support/until-says.js";

const run = promisify(execFile);
/** V8 versions differ in when they collect garbage: small limits make them alike. */
const smallHeap = "--max-old-space-size=96 --max-semi-space-size=8";
/** `make e2e` sets FUZZ_DATAGRAMS=1000000 and FUZZ_REQUESTS=10000. */
const { FUZZ_DATAGRAMS = "30000", FUZZ_REQUESTS = "1000", FUZZ_SEED = "1" } = process.env;

describe("a boot server that receives malformed packets and requests", () => {
  it("keeps running, uses little memory, and still boots machines", async () => {
    const directory = await temporaryDirectory();
    const out = join(directory, "out");
    await extract({ image: demoImage, output: out, platform: "amd64" });
    await mkdir(join(directory, "ipxe"));
    for (const name of ["snponly.efi", "undionly.kpxe"]) {
      await writeFile(join(directory, "ipxe", name), Buffer.alloc(200_000, name));
    }
    const serve = `${process.execPath} ${smallHeap} ${checkout}/bin/kairos-netboot.js serve ${out}`;
    const fuzz = join(import.meta.dirname, "support/fuzz.js");
    const script = `${untilSays}; set -u; cd ${directory}; export XDG_STATE_HOME=$PWD
      ip link set lo up; ip address add 10.9.8.7/24 dev lo; ip address add 10.9.8.50/24 dev lo
      ${serve} --listen 10.9.8.7 --ipxe-dir ipxe 2> log > /dev/null & server=$!
      until_says log Serving
      ${process.execPath} ${fuzz} 10.9.8.7 10.9.8.50 $server ${FUZZ_DATAGRAMS} ${FUZZ_REQUESTS} ${FUZZ_SEED}
      curl -sf tftp://10.9.8.7/snponly.efi | cmp - ipxe/snponly.efi && echo same
      curl -sf http://10.9.8.7:8080/releases/1/${demoName}.squashfs | cmp - ${out}/${demoName}.squashfs && echo same
      kill $server; wait $server; echo status $?; tail -c 600 log >&2`;
    const words = ["--map-root-user", "--net", "--fork", "--kill-child", "sh", "-c", script];
    const { stdout, stderr } = await run("unshare", words);
    const [seen = "{}", ...rest] = stdout.trim().split("\n");
    assert.deepEqual(rest, ["same", "same", "status 0"], stderr);
    const { halfway, end } = JSON.parse(seen) as Record<string, { now: number; peak: number }>;
    console.log(
      `Memory: ${halfway!.now} MB half-way, ${end!.now} MB at the end, ${end!.peak} MB at most`,
    );
    assert.ok(end!.peak < 250, `${end!.peak} MB`);
  });
});
