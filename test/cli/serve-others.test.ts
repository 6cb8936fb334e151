import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { demoRelease } from "../extract/support/demo-release.js";
import { demoImage, demoName } from "../extract/support/run-netboot.js";
import { batchInOwnNetwork, inOwnNetwork } from "./support/own-network.js";

/** Directories that somebody else made; `$k`, `$i` and `$s` are kernel, initrd and squashfs. */
describe("serve, from a directory that somebody else made", () => {
  let start: string;
  before(async () => {
    const out = await demoRelease();
    const file = (suffix: string) => `${out}/${demoName}${suffix}`;
    start = `k=${file("-kernel")} i=${file("-initrd")} s=${file(".squashfs")} out=${out}; mkdir d
      release() { cp $k d/$1-kernel; cp $i d/$1-initrd; cp $s d/$1.squashfs; }
      arm() { printf 'ARM\\144' | dd of=d/$1-kernel bs=1 seek=56 conv=notrunc 2> /dev/null
        # Neither a bzImage nor an x64 program any more.
        for at in 0 514; do
          printf '\\0\\0\\0\\0' | dd of=d/$1-kernel bs=1 seek=$at conv=notrunc 2> /dev/null
        done; }`;
  });
  const addCommand = batchInOwnNetwork({ prepareAll: () => start });
  const addServe = (setUp: string, ...flags: string[]) =>
    addCommand(() => ["serve", "d", "--listen", "10.9.8.7", "--dhcp", "off", ...flags], setUp);

  const known: [what: string, setUp: string, names: string[]][] = [
    ["an old release of Kairos", "release kairos-a-v1; touch d/kairos-a-v1.ipxe", ["kairos-a-v1"]],
    ["AuroraBoot", "release kairos", ["kairos"]],
    [
      "several releases, each for its machines",
      "release kairos-a-amd64; release kairos-a-arm64; arm kairos-a-arm64",
      ["kairos-a-amd64 for amd64", "kairos-a-arm64 for arm64"],
    ],
    ["pixiecore's users", "cp $k d/vmlinuz; cp $i d/initrd.img; cp $s d/root.squashfs", ["root"]],
    [
      "Debian's live-build",
      "cp $k d/vmlinuz-6.1.0-9-amd64; cp $i d/initrd.img-6.1.0-9-amd64; cp $s d/filesystem.squashfs",
      ["filesystem"],
    ],
    ["extract, of several images", "cp -r $out d/one", [demoName]],
  ];
  for (const [what, setUp, names] of known) {
    const outcomeOf = addServe(setUp, "--check");
    it(`finds the releases of ${what}`, async () => {
      const { status, stdout } = await outcomeOf();
      for (const name of names)
        assert.match(stdout, new RegExp(`^ok   ${name}.* is complete`, "m"));
      assert.equal(status, 0);
    });
  }

  it("boots machines from undescribed files", async () => {
    const output = await inOwnNetwork(`${start}; release kairos-a
      $netboot serve d --listen 10.9.8.7 --dhcp off 2> log & server=$!; until_says log Serving
      curl -s 'http://10.9.8.7:8080/machine.ipxe?mac=52:54:00:aa:bb:01&buildarch=x86_64'
      curl -s http://10.9.8.7:8080/releases/1/kairos-a.squashfs | cmp - $s && echo same
      kill $server; wait $server`);
    assert.match(output, /^kernel --name kairos-a-kernel .* root=live:http.*kairos-a\.squashfs /m);
    assert.match(output, /^same$/m);
  });

  it("starts the installer of a release before v3, which it recognizes by the name", async () => {
    const output = await inOwnNetwork(`${start}; release kairos-a-v2.4.2-k3sv1.26.9+k3s1
      $netboot serve d --listen 10.9.8.7 --dhcp off 2> log & server=$!; until_says log Serving
      curl -s 'http://10.9.8.7:8080/machine.ipxe?mac=52:54:00:aa:bb:01&buildarch=x86_64'
      kill $server; wait $server`);
    assert.match(output, /^kernel .* install-mode nodepair\.enable /m);
  });

  const unclear: [what: string, setUp: string, message: RegExp][] = [
    ["no files", "", /directory d contains no netboot\.json and no squashfs/],
    ["only a squashfs", "cp $s d", /no file with the name of a kernel/],
    [
      "two kernels",
      "cp $s d; cp $i d/initrd; cp $k d/vmlinuz; cp $k d/vmlinuz-old",
      /several files with the name of a kernel: vmlinuz, vmlinuz-old/,
    ],
    [
      "several squashfs, one without an initrd",
      "release kairos-a; release kairos-b; rm d/kairos-b-initrd",
      /contains kairos-b\.squashfs, but no kairos-b-initrd/,
    ],
    [
      "a file that is not a kernel",
      "release kairos-a; echo text > d/kairos-a-kernel",
      /kairos-a-kernel is not a kernel/,
    ],
    [
      "an unreadable netboot.json",
      "release kairos-a; echo '{' > d/netboot.json",
      /The netboot\.json in d cannot be read/,
    ],
    [
      "a netboot.json with a command line of several lines",
      String.raw`sed 's/"commandLine": "root/"commandLine": "a\\nshell root/' $out/netboot.json > d/netboot.json`,
      /netboot\.json in d has a command line that an iPXE script cannot contain/,
    ],
    [
      "several releases for the same machines",
      "release kairos-a; release kairos-b",
      /contains several releases for amd64: kairos-a, kairos-b\.\s+Choose the default one/,
    ],
  ];
  for (const [what, setUp, message] of unclear) {
    const outcomeOf = addServe(setUp);
    it(`refuses a directory with ${what}`, async () => {
      const { status, stderr } = await outcomeOf();
      assert.match(stderr, message);
      assert.equal(status, 1);
    });
  }

  const outcomeOfCheck = addServe("release kairos-a; release kairos-b", "--check");
  it("reports the same with --check", async () => {
    const { status, stdout } = await outcomeOfCheck();
    assert.match(stdout, /^FAIL The directory .* contains several releases for amd64/m);
    assert.equal(status, 1);
  });

  const outcomeOfDecision = addServe(
    "release kairos-a; release kairos-b; echo 'defaults: { release: kairos-b }' > m.yaml",
    ...["--machines", "m.yaml", "--check"],
  );
  it("serves several releases for the same machines if a machines file decides", async () => {
    assert.equal((await outcomeOfDecision()).status, 0);
  });

  it("gives machines the cloud-config that extract published with the files", async () => {
    const output = await inOwnNetwork(`${start}
      printf '#cloud-config\\nhostname: \${machine.hostname}-x\\n' > cc.yaml
      $netboot extract ${demoImage} -o e --platform amd64 --cloud-config cc.yaml -q > /dev/null
      $netboot serve e --listen 10.9.8.7 --dhcp off 2> log & server=$!; until_says log Serving
      at=$(curl -s 'http://10.9.8.7:8080/machine.ipxe?mac=52:54:00:aa:bb:01&buildarch=x86_64&hostname=n1' |
        sed -n 's/.*config_url=\\([^ ]*\\).*/\\1/p')
      curl -s $at; echo; kill $server; wait $server`);
    assert.match(output, /^hostname: n1-x$/m);
  });
});
