import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { type MachineReport, machineFacts } from "../../src/boot-server/index.js";
import { formatExplanation } from "../../src/cli/format/format-explanation.js";
import { demoRelease } from "../extract/support/demo-release.js";
import { runCommand } from "../extract/support/run-command.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { inOwnNetwork, runCommandsScript } from "./support/own-network.js";

const mac = "52:54:00:aa:bb:01";

describe("explain", () => {
  let out: string;
  before(async () => {
    out = await demoRelease();
  });

  const ask = "curl -s -o script";
  it("finds the server by its state directory, and prints what it knows", async () => {
    const words = [
      ["52-54-00-AA-BB-01"],
      ["52:54:00:ff:00:01"],
      ["00:00:00:00:00:09"],
      [mac, "--json"],
    ];
    const output = await inOwnNetwork(`
      $netboot serve ${out} --listen 10.9.8.7 --http-port 8123 --dhcp off --deny 52:54:00:ff 2> log & server=$!
      until_says log Serving
      ${ask} "http://10.9.8.7:8123/machine.ipxe?mac=${mac}&buildarch=x86_64&serial=S1"
      ${ask} "http://10.9.8.7:8123/machine.ipxe?mac=52:54:00:ff:00:01&buildarch=x86_64"
      ${runCommandsScript(words.map((args) => ({ args: ["explain", ...args] })))}
      kill $server; wait $server; ls state/kairos-netboot`);
    const [outcomes = "", left] = output.trim().split("\n");
    const [known, refused, unknown, json] = JSON.parse(outcomes);
    const parts = [
      /^52:54:00:aa:bb:01 is booting; last contact (now|\d s ago)\.$/m,
      /^ {2}architecture: amd64$/m,
      /^ {2}serial: S1$/m,
      /would boot kairos-demo-1-core-amd64-generic-v0\.1\.0:\n {2}All machines get the same\./,
      /^ {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ {2}runs iPXE: boots kairos-demo/m,
    ];
    assert.equal(known.status, 0);
    for (const part of parts) assert.match(known.stdout, part);
    assert.match(refused.stdout, /^52:54:00:ff:00:01 was refused;/m);
    assert.match(
      refused.stdout,
      /it would get nothing:\n {2}It is excluded by --deny 52:54:00:ff\./,
    );
    assert.match(
      unknown.stdout,
      /^00:00:00:00:00:09 has not contacted the server since the server started\.$/m,
    );
    assert.match(unknown.stdout, /DHCP relay/);
    assert.equal(JSON.parse(json.stdout).decision.kind, "netboot");
    assert.equal(left, "key", "the record of the server is removed");
  });

  it("tries port 8080 of this machine's addresses if no server is recorded", async () => {
    const output = await inOwnNetwork(`
      $netboot serve ${out} --listen 10.9.8.7 --dhcp off --state-dir elsewhere 2> log & until_says log Serving
      $netboot explain ${mac}; kill $!`);
    assert.match(output, /has not contacted the server/);
  });

  it("says that no server answers, and how to name one", async () => {
    const output = await inOwnNetwork(`$netboot explain ${mac} 2>&1; echo status $?`);
    assert.match(output, /No boot server answers at http:\/\/127\.0\.0\.1:8080, http:\/\/10\.9/);
    assert.match(output, /--server http:/);
    assert.match(output, /^status 1$/m);
  });

  const wrong: [name: string, words: string[], message: RegExp][] = [
    ["a word that is not a MAC address", ["52:54"], /52:54 is not a MAC address/],
    ["a server that is not a URL", [mac, "--server", "10.0.0.1"], /10\.0\.0\.1 is not a URL/],
  ];
  for (const [name, words, message] of wrong) {
    it(`refuses ${name}`, async () => {
      const outcome = await runCommand(["explain", ...words], { cwd: await temporaryDirectory() });
      assert.equal(outcome.status, 2);
      assert.match(outcome.stderr, message);
    });
  }

  it("suspects Secure Boot if a machine fetched iPXE and has been silent since", () => {
    const file = {
      role: "boot-program",
      name: "snponly.efi",
      size: 1,
      sent: 1,
      client: "",
    } as const;
    const sent = {
      ...file,
      type: "sent",
      mac,
      protocol: "tftp",
      seconds: 1,
      isComplete: true,
    } as const;
    const time = "2026-01-02T03:04:05.678Z";
    const known = { state: "asking", release: undefined, reasons: [], begunAt: time, steps: [] };
    const report: MachineReport = {
      ...{ mac, architecture: "amd64", lastSeenAt: time, ...known },
      decision: { kind: "netboot", release: "r", reasons: [] },
      events: [{ time, ...sent }],
    };
    const lines = formatExplanation(report, machineFacts, new Date("2026-01-02T03:34:06Z"));
    assert.ok(lines.some((line) => line.includes("Secure Boot")));
    assert.match(lines[0]!, /30 min ago/);
  });
});

describe("extract --serve", () => {
  it("reports a port in use before it extracts anything", async () => {
    const out = await demoRelease();
    const output = await inOwnNetwork(`
      $netboot serve ${out} --listen 10.9.8.7 --dhcp off 2> log & until_says log Serving
      $netboot extract oci:${process.cwd()}/testdata/demo-image -o made --platform linux/amd64 --serve 2>&1
      echo status $?; kill $!; ls`);
    assert.match(output, /uses port 8080 of 10\.9\.8\.7 for HTTP/);
    assert.match(output, /^status 1$/m);
    assert.doesNotMatch(output, /^made$/m);
  });

  it("serves the result until it is stopped", async () => {
    const output = await inOwnNetwork(`
      $netboot extract oci:${process.cwd()}/testdata/demo-image -o made --platform linux/amd64 --serve > files 2> log &
      until_says log 'Serving on lo: http://10.9.8.7:8080'
      curl -s http://10.9.8.7:8080/boot.ipxe | head -1
      kill -INT $!; wait $!; echo status $?; grep -c . files`);
    assert.equal(output, "#!ipxe\nstatus 0\n7\n");
  });
});
