import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { demoRelease } from "../extract/support/demo-release.js";
import { batchInOwnNetwork, inOwnNetwork } from "./support/own-network.js";

describe("serve --check", () => {
  let out: string;
  before(async () => {
    out = await demoRelease();
  });
  const check = (flags = "") =>
    `$netboot serve ${out} --listen 10.9.8.7 ${flags} --check 2> errors; echo status $?; cat errors`;

  const addCommand = batchInOwnNetwork({ prepareAll: () => `out=${out}` });
  const addCheck = (flags: readonly string[], prepare?: string) =>
    addCommand(() => ["serve", out, "--listen", "10.9.8.7", ...flags, "--check"], prepare);

  it("prints one line for each result, and serves nothing", async () => {
    const output = await inOwnNetwork(`
      printf 'machines:\\n- match: { mac: "52:54" }\\n  boot: local\\n' > machines.yaml
      ${check("--machines machines.yaml")}; ls state/kairos-netboot`);
    const parts = [
      /^ok {3}addresses: 10\.9\.8\.7 \(lo\)$/m,
      /^ok {3}port 8080 for HTTP is available$/m,
      /^ok {3}port 67 for DHCP is available$/m,
      /^ok {3}kairos-demo-1-core-amd64-generic-v0\.1\.0 for amd64 is complete/m,
      /^ok {3}machines need at least about 1 GB of memory/m,
      /^ok {3}valid: machines\.yaml, with 1 machines$/m,
      /^status 0\nkey$/m,
    ];
    for (const part of parts) assert.match(output, part);
  });

  it("reports ports that other programs use, and names these", async () => {
    const output = await inOwnNetwork(`
      $netboot serve ${out} --listen 10.9.8.7 --state-dir other 2> log & server=$!
      until_says log Serving
      ${check()}; kill $server`);
    assert.match(
      output,
      /^FAIL \w+ \(pid \d+\) uses port 8080 of 10\.9\.8\.7 for HTTP\. .*--http-port\.\nFAIL \w+ \(pid \d+\) uses port 69 .*\nok {3}port 67 for DHCP is available, shared with \w+ \(pid \d+\)$/m,
    );
    assert.match(output, /^status 1\nkairos-netboot: \d of \d+ checks failed\.$/m);
  });

  const failures: [name: string, setUp: string, flags: string[], line: RegExp][] = [
    [
      "files that have changed since they were published",
      `cp -r $out broken; for it in broken/*initrd; do echo > $it; done`,
      ["--dhcp", "off", "broken"],
      /^FAIL The file .*-initrd has 1 bytes instead of \d+\. .*--force\.$/m,
    ],
    [
      "an invalid machines file",
      "printf 'machines:\\n- match: { mac: no }\\n' > m.yaml",
      ["--machines", "m.yaml", "--dhcp", "off"],
      /^FAIL m\.yaml, line 2: .*is not a MAC address/m,
    ],
    [
      "a cloud-config with a longer word as the marker",
      "printf '#cloud-configuration\\nhostname: x\\n' > config",
      ["--cloud-config", "config", "--dhcp", "off"],
      /^FAIL The cloud-config config has none of the lines #cloud-config, /m,
    ],
    [
      "a cloud-config that is not YAML",
      "printf '#cloud-config\\nhostname: [\\n' > config",
      ["--cloud-config", "config", "--dhcp", "off"],
      /^FAIL The cloud-config config is not valid YAML: line /m,
    ],
  ];
  for (const [name, setUp, flags, line] of failures) {
    const outcomeOf = addCheck(flags, setUp);
    it(`reports ${name}`, async () => {
      const { status, stdout, stderr } = await outcomeOf();
      assert.match(stdout, line);
      assert.equal(status, 1);
      assert.match(stderr, /^kairos-netboot: \d of \d+ checks failed\.$/m);
    });
  }

  it("reports missing permissions, and says how to get them", async () => {
    const output = await inOwnNetwork(`
      setpriv --bounding-set -net_bind_service --inh-caps -net_bind_service \\
        ${check()}`);
    assert.match(output, /^ok {3}port 8080/m);
    assert.match(output, /^FAIL An ordinary user may not use port 69 .*sudo setcap .* systemd/m);
    assert.match(output, /^FAIL An ordinary user may not use port 67 /m);
    assert.match(output, /^ok {3}port 4011/m);
  });

  it("reports that it may not look for other DHCP servers, which a DHCP server has to", async () => {
    const checked = (flags: string) =>
      inOwnNetwork(`
        systemd-socket-activate --datagram --fdname tftp:dhcp:dhcp \\
          --listen 0.0.0.0:69 --listen 0.0.0.0:67 --listen 10.9.8.7:67 \\
          setpriv --bounding-set -net_bind_service --inh-caps -net_bind_service \\
            sh -c 'export LISTEN_PID=$$; exec "$@"' sh \\
              $netboot serve ${out} --listen 10.9.8.7 ${flags} --check 2> errors & checked=$!
        until_says errors 10.9.8.7:67
        $node -e 'require("node:dgram").createSocket("udp4").send("x", 67, "10.9.8.7", () => process.exit())'
        wait $checked; echo status $?; cat errors`);
    const full = await checked("--dhcp server --dhcp-range 10.9.8.10-10.9.8.20");
    assert.match(full, /^ok {3}port 67 for DHCP comes from systemd$/m);
    assert.match(full, /^FAIL An ordinary user may not use port 68 of 0\.0\.0\.0 for DHCP/m);
    assert.match(full, /^status 1$/m);
    const beside = await checked("");
    assert.match(
      beside,
      /^warn Other servers on the network .* port 68 is not permitted\. .*setcap/m,
    );
    assert.match(beside, /^status 0$/m);
  });

  const outcomeOfJson = addCheck(["--json", "--ipxe-dir", ".", "--dhcp", "off"]);
  it("prints JSON lines", async () => {
    const [first] = (await outcomeOfJson()).stdout.split("\n");
    const expected = { type: "check", status: "ok", what: "addresses: 10.9.8.7 (lo)" };
    assert.deepEqual(JSON.parse(first!), expected);
  });

  const outcomeOfApi = addCheck(["--api", "http://127.0.0.1:9", "--dhcp", "off"]);
  it("warns if the boot API does not answer", async () => {
    const { status, stdout } = await outcomeOfApi();
    assert.match(
      stdout,
      /^warn The boot API cannot be reached \(ECONNREFUSED\)\. Check the program/m,
    );
    assert.equal(status, 0);
  });
});
