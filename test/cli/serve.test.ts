import assert from "node:assert/strict";
import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { demoRelease } from "../extract/support/demo-release.js";
import { runCommand } from "../extract/support/run-command.js";
import { demoImage } from "../extract/support/run-netboot.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { batchInOwnNetwork, inOwnNetwork as runInOwnNetwork } from "./support/own-network.js";

const name = "kairos-demo-1-core-amd64-generic-v0.1.0";

describe("serve", () => {
  let out: string;
  before(async () => {
    out = await demoRelease();
  });

  /** A shell script's output, run in a network of its own; `$serve` is the command. */
  function inOwnNetwork(script: string): Promise<string> {
    return runInOwnNetwork(`serve="$netboot serve ${out}"
      until_listening() { until_says log Serving; }
      ${script}`);
  }

  it("serves the script and files by HTTP and iPXE by TFTP, and stops cleanly on SIGTERM", async () => {
    const output = await inOwnNetwork(`
      mkdir ipxe; echo program > ipxe/undionly.kpxe
      $serve --listen 10.9.8.7 --ipxe-dir ipxe --cmdline more 2> log & until_listening
      curl -s http://10.9.8.7:8080/boot.ipxe | head -1
      curl -s "http://10.9.8.7:8080/machine.ipxe?mac=52:54:00:aa:bb:01&buildarch=x86_64" | grep -c " more "
      curl -s http://10.9.8.7:8080/releases/1/${name}-kernel | cmp - ${out}/${name}-kernel && echo same
      curl -s tftp://10.9.8.7/undionly.kpxe
      kill -TERM $!; wait $!; echo status $?; cat log`);
    const [shebang, more, same, program, status, ...log] = output.trim().split("\n");
    assert.deepEqual([shebang, more, same, program], ["#!ipxe", "1", "same", "program"]);
    assert.equal(status, "status 0");
    assert.match(
      log[0]!,
      /^Serving on lo: http:\/\/10\.9\.8\.7:8080\/boot\.ipxe \(http 8080, tftp 69/,
    );
    assert.ok(log.some((line) => line.includes("fetched undionly.kpxe by TFTP")));
  });

  it("serves a new release in its directory, and logs the change", async () => {
    const output = await inOwnNetwork(`
      cp -r ${out} made
      $netboot serve made --listen lo --dhcp off 2> log & until_listening
      squashfs=$(curl -s "http://10.9.8.7:8080/machine.ipxe?mac=52:54:00:00:00:01&buildarch=x86_64" | grep -o 'http://[^ ]*.squashfs')
      $netboot extract ${demoImage} -o made --platform amd64 --name newer --quiet > /dev/null
      until_says log "releases changed"; grep "releases changed" log
      curl -s http://10.9.8.7:8080/releases/1/newer-kernel | cmp - made/newer-kernel && echo same
      curl -s $squashfs; until_says log "status 410"; grep "status 410" log
      kill -TERM $!; wait $!`);
    assert.match(
      output,
      /The releases changed: added newer; removed kairos-demo-\S+\.\n(.*\n)*same$/m,
    );
    assert.match(output, /^This release has been removed or rebuilt\. Boot the machine again\.$/m);
    assert.match(
      output,
      /^52:54:00:00:00:01 .*\/releases\/[0-9a-f]{12}\/\S+\.squashfs by HTTP: status 410$/m,
    );
  });

  it("prints events as JSON lines", async () => {
    const output = await inOwnNetwork(`
      $serve --listen lo --dhcp off --json > events & until_says events listening
      curl -s http://127.0.0.1:8080/boot.ipxe > /dev/null; curl -s http://127.0.0.1:8080/nothing > /dev/null
      kill -INT $!; wait $!; cat events`);
    const events = output
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const listening = events.filter(({ type }) => type === "listening");
    assert.deepEqual(
      listening.map(({ url }) => url),
      ["http://127.0.0.1:8080/boot.ipxe", "http://10.9.8.7:8080/boot.ipxe"],
    );
    assert.deepEqual(listening[0].ports, { http: 8080, tftp: 69 });
    const [sent, ignored] = events.slice(2);
    assert.deepEqual([sent.type, sent.name, sent.isComplete], ["sent", "boot.ipxe", true]);
    assert.match(ignored.reason, /\/nothing/);
  });

  it("refuses a machine that claims to be another one, and logs that", async () => {
    const output = await inOwnNetwork(`
      ip link add e0 type veth peer name e1; ip address add 10.5.5.1/24 dev e0
      ip link set e0 up; ip link set e1 up; ip address add 10.5.5.9/32 dev lo
      ip neigh add 10.5.5.9 lladdr 52:54:00:00:00:66 dev e0 nud permanent
      $serve --listen e0 --dhcp off --deny 52:54:00:00:00:66 2> log & until_listening
      ask() { curl -s --interface 10.5.5.9 "http://10.5.5.1:8080/$1"; }
      ask "machine.ipxe?mac=52:54:00:00:00:01&buildarch=x86_64" | grep -c "^kernel"
      ask "releases/1/${name}-kernel" | head -c 100; kill $!; wait $!; cat log`);
    assert.match(output, /^0\n/);
    assert.match(output, /may not boot from the network/);
    assert.match(output, /52:54:00:00:00:66 .*it claims to be 52:54:00:00:00:01/);
  });

  it("gives a machine its files by another network card and after a restart, but boots it only once", async () => {
    const mac = "52:54:00:00:00:01";
    const output = await inOwnNetwork(`
      ip link add e0 type veth peer name e1; ip address add 10.5.5.1/24 dev e0
      ip link set e0 up; ip link set e1 up
      for n in 1 2; do ip address add 10.5.5.2$n/32 dev lo
        ip neigh add 10.5.5.2$n lladdr 52:54:00:00:00:0$n dev e0 nud permanent; done
      printf '#cloud-config\npassword: hunter2\n' > cc.yaml
      printf 'machines: [{ match: { mac: "${mac}" }, boot: once, cloud-config: cc.yaml }]\ndefaults: { boot: deny }\n' > machines.yaml
      start() { $serve --listen e0 --dhcp off --machines machines.yaml 2> log & until_listening; }
      stop() { kill $!; wait $!; rm log; }
      ask() { curl -s -o body -w "$1 %{http_code}\n" --interface 10.5.5.2$2 "$3"; }
      start
      curl -s --interface 10.5.5.21 "http://10.5.5.1:8080/machine.ipxe?mac=${mac}&buildarch=x86_64" > script
      kernel=$(grep -o 'http://[^ ]*-kernel' script); initrd=$(grep -o 'http://[^ ]*-initrd' script | tail -1)
      squashfs=$(grep -o 'http://[^ ]*.squashfs' script); config=$(grep -o 'http://[^ ]*/cloud-config/[^ ]*' script)
      ask kernel 1 $kernel; ask initrd 1 $initrd
      ask plain 2 http://10.5.5.1:8080/releases/1/${name}.squashfs
      ask squashfs 2 $squashfs; cmp body ${out}/${name}.squashfs && echo same
      stop; ls state/kairos-netboot/booted 2> /dev/null; start
      ask config 2 $config; grep hunter2 body
      n=0; until ls state/kairos-netboot/booted 2> /dev/null || [ $((n += 1)) -gt 100 ]; do sleep 0.05; done
      ask again 2 $squashfs; ask again 2 $config
      curl -s http://10.5.5.1:8080/api/machines > machines.json
      touch -d "1 hour ago" state/kairos-netboot/booted/*
      ask late 2 $squashfs; ask late 2 $config; grep -c hunter2 body; stop; start
      ask late 2 $squashfs; ask late 2 $squashfs; ask late 2 $config; cat log; stop
      grep -o '"state":"[a-z]*"' machines.json`);
    const lines = output.trim().split("\n");
    assert.deepEqual(lines.slice(0, 5), [
      "kernel 200",
      "initrd 200",
      "plain 403",
      "squashfs 200",
      "same",
    ]);
    const afterRestart = ["config 200", "password: hunter2", "52-54-00-00-00-01"];
    assert.deepEqual(lines.slice(5, 8), afterRestart);
    assert.deepEqual(lines.slice(8, 13), ["again 200", "again 200", "late 403", "late 403", "0"]);
    assert.deepEqual(lines.slice(13, 16), ["late 403", "late 403", "late 403"]);
    assert.equal(lines.at(-1), '"state":"booted"');
    assert.doesNotMatch(output, /\/for\//);
  });

  it("takes a directory that follows an option as a directory", async () => {
    const output = await inOwnNetwork(`
      mkdir ipxe; $netboot serve --dhcp off --ipxe-dir ipxe --listen lo ${out} 2> log & until_listening; kill $!; cat log`);
    assert.match(output, /Serving on lo: http:\/\/127\.0\.0\.1:8080/);
  });

  it("refuses a directory of boot programs that does not exist", async () => {
    const cwd = await temporaryDirectory();
    const second = await runCommand(["serve", out, "--ipxe-dir", "nowhere"], { cwd });
    assert.equal(second.status, 2);
    assert.match(second.stderr, /no directory nowhere/);
  });

  it("warns if no DHCP server answers, and says what helps", async () => {
    const output = await inOwnNetwork(`
      ip link add e0 type veth peer name e1; ip address add 10.5.5.1/24 dev e0
      ip link set e0 up; ip link set e1 up
      $serve --listen e0 2> log & until_says log "No DHCP"
      kill -TERM $!; wait $!; grep "No DHCP" log`);
    assert.match(output, /No DHCP server was heard on e0\. .*firewall.*--dhcp server --dhcp-range/);
  });

  const addBesideServer = batchInOwnNetwork({
    setUp: () =>
      `$netboot serve ${out} --listen 10.9.8.7 --dhcp off 2> log & until_says log Serving`,
  });
  const taken: [port: number, protocol: string, flags: string[]][] = [
    [8080, "HTTP", []],
    [69, "TFTP", ["--http-port", "8081"]],
  ];
  for (const [port, protocol, flags] of taken) {
    const outcomeOf = addBesideServer(() => {
      return ["serve", out, "--listen", "10.9.8.7", "--dhcp", "off", ...flags];
    });
    it(`says which program uses port ${port}`, async () => {
      const { status, stderr } = await outcomeOf();
      assert.equal(status, 1);
      assert.match(
        stderr,
        new RegExp(`\\w+ \\(pid \\d+\\) uses port ${port} of 10\\.9\\.8\\.7 for ${protocol}`),
      );
      assert.match(stderr, /Stop that program/);
    });
  }

  it("says which permission is missing, and how to get it", async () => {
    const output = await inOwnNetwork(`
      setpriv --bounding-set -net_bind_service --inh-caps -net_bind_service \\
        $serve --listen 10.9.8.7 2> log; echo status $?; cat log`);
    assert.match(output, /^status 1\n/);
    assert.match(output, /port 69 of 10\.9\.8\.7 for TFTP/);
    assert.match(output, /sudo setcap cap_net_bind_service=\+ep /);
  });

  const refused: [name: string, args: string[], status: number, message: RegExp, hint: RegExp][] = [
    ["nothing to serve", [], 2, /nothing to serve/, /serve out/],
    ["a kernel alone", ["--kernel", "x"], 2, /belong together/, /all three/],
    [
      "three files that are not a release",
      ["--kernel", "text", "--initrd", "text", "--squashfs", "text"],
      1,
      /text is not a kernel/,
      /bzImage/,
    ],
    ["a directory that does not exist", ["nowhere"], 1, /no directory nowhere/, /extract IMAGE -o/],
    ["a directory without a release", ["."], 1, /no netboot\.json/, /extract IMAGE -o/],
    [
      "an address of another machine",
      ["OUT", "--listen", "1.2.3.4"],
      2,
      /1\.2\.3\.4/,
      /127\.0\.0\.1/,
    ],
    ["a port that is not a number", ["OUT", "--http-port", "web"], 2, /--http-port/, /8080/],
    ["no transfers at all", ["OUT", "--max-transfers", "0"], 2, /--max-transfers/, /16/],
    ["an unknown DHCP mode", ["OUT", "--dhcp", "on"], 2, /--dhcp .*on/, /proxy, server or off/],
    [
      "a DHCP server without a range",
      ["OUT", "--dhcp", "server"],
      2,
      /needs the range/,
      /--dhcp-range \d/,
    ],
    [
      "a range without a DHCP server",
      ["OUT", "--dhcp-range", "10.0.0.1-10.0.0.9"],
      2,
      /--dhcp-range needs --dhcp server/,
      /--dhcp server/,
    ],
    [
      "a range that ends before it begins",
      ["OUT", "--dhcp", "server", "--dhcp-range", "10.0.0.9-10.0.0.1"],
      2,
      /--dhcp-range must be the first and the last address/,
      /--dhcp-range \d/,
    ],
    ["a cloud-config that does not exist", ["OUT", "--cloud-config", "x"], 2, / x /, /can be read/],
    [
      "a cloud-config without a marker",
      ["OUT", "--cloud-config", "text"],
      2,
      /#cloud-config/,
      /first line/,
    ],
    [
      "a command line with line breaks",
      ["OUT", "--cmdline", "a\nb"],
      2,
      /--cmdline contains/,
      /Leave it out/,
    ],
  ];
  for (const [what, args, status, message, hint] of refused) {
    it(`refuses ${what}`, async () => {
      const cwd = await temporaryDirectory();
      await writeFile(join(cwd, "text"), "hostname: x\n");
      const words = args.map((word) => (word === "OUT" ? out : word));
      const outcome = await runCommand(["serve", ...words], { cwd });
      assert.equal(outcome.status, status, outcome.stderr);
      const [first, second] = outcome.stderr.split("\n");
      assert.match(first!, message);
      assert.match(second!, hint);
    });
  }

  const full: [name: string, flags: string, status: number, message: RegExp, hint: RegExp][] = [
    [
      "a range of another network",
      "--dhcp-range 10.9.9.1-10.9.9.9",
      2,
      /not inside a served network/,
      /--dhcp-range 10\.9\.8\.100-10\.9\.8\.199/,
    ],
    [
      "a range with the network address",
      "--dhcp-range 10.9.8.0-10.9.8.9",
      2,
      /not inside a served network/,
      /10\.9\.8\.100/,
    ],
    [
      "a range with the broadcast address",
      "--dhcp-range 10.9.8.250-10.9.8.255",
      2,
      /not inside a served network/,
      /10\.9\.8\.100/,
    ],
    [
      "an invalid lease time",
      "--dhcp-range 10.9.8.10-10.9.8.20 --dhcp-lease-time 1y",
      2,
      /--dhcp-lease-time must be a time from 1m to 365d, not "1y"/,
      /12h/,
    ],
    [
      "a router of another network",
      "--dhcp-range 10.9.8.10-10.9.8.20 --dhcp-router 10.1.1.1",
      2,
      /router 10\.1\.1\.1 is not in the network/,
      /--dhcp-router/,
    ],
    [
      "a DNS server without an address",
      "--dhcp-range 10.9.8.10-10.9.8.20 --dhcp-dns x",
      2,
      /x is not an IPv4 address/,
      /192\.168\.77\.1/,
    ],
    [
      "a DHCP server on two interfaces",
      "--dhcp-range 10.9.8.10-10.9.8.20 --listen lo --listen dummy",
      2,
      /works on one interface only, not on lo, dummy/,
      /--listen lo/,
    ],
  ];
  const addServe = batchInOwnNetwork({
    setUp: () => `ip link add dummy type veth peer name end; ip link set end up
      ip address add 10.9.7.1/24 dev dummy; ip link set dummy up`,
  });
  for (const [what, flags, status, message, hint] of full) {
    const words = ["--listen", "10.9.8.7", "--dhcp", "server", ...flags.split(" ")];
    const outcomeOf = addServe(() => ["serve", out, ...words]);
    it(`refuses ${what}`, async () => {
      const outcome = await outcomeOf();
      assert.equal(outcome.status, status, outcome.stderr);
      const [first, second] = outcome.stderr.split("\n");
      assert.match(first!, message);
      assert.match(second!, hint);
    });
  }

  it("refuses a directory whose files do not match netboot.json", async () => {
    const copy = join(await temporaryDirectory(), "copy");
    await cp(out, copy, { recursive: true });
    await writeFile(join(copy, `${name}-initrd`), "shorter");
    const outcome = await runCommand(["serve", copy], { cwd: copy });
    assert.equal(outcome.status, 1);
    assert.match(outcome.stderr, /-initrd has 7 bytes instead of \d+\./);
  });
});
