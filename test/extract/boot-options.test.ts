import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type ExtractOptions, type ExtractResult, extract } from "../../src/extract/index.js";
import { baseLayer } from "../support/base-layer.js";
import { imageOf } from "./support/images.js";
import { demoImage, demoName } from "./support/run-netboot.js";
import { temporaryDirectory } from "./support/temporary-directory.js";

const released = `rd.neednet=1 ip=dhcp rd.cos.disable netboot install-mode config_url=\${config} console=tty1 console=ttyS0 rd.live.overlay.overlayfs`;

describe("the boot options of extract", () => {
  it("default to the command line of Kairos releases", async () => {
    const { description } = await extracted({});
    assert.equal(description.commandLine, `${places} ${released}`);
    assert.equal(await scriptLine({}, /^kernel/), kernelLine(released));
  });

  const lines: [what: string, options: Partial<ExtractOptions>, line: string, words?: string][] = [
    ["words are added", { cmdline: " quiet  x=1 " }, `${released} quiet x=1`, "quiet x=1"],
    [
      "other consoles take the place of the usual ones",
      { console: ["tty0", "console=ttyS1,115200n8"] },
      released.replace("console=tty1 console=ttyS0", "console=tty0 console=ttyS1,115200n8"),
    ],
    [
      "other words take the place of the release's own",
      { cmdlineReplace: "ip=dhcp netboot console=ttyS1" },
      `ip=dhcp netboot console=ttyS1 config_url=\${config}`,
    ],
  ];
  for (const [what, options, line, words = ""] of lines) {
    it(what, async () => {
      const { description } = await extracted(options);
      assert.equal(description.commandLine, `${places} ${line}`);
      const own = line.slice(0, line.length - words.length).trim();
      assert.equal(await scriptLine(options, /^kernel/), kernelLine(own));
      const field = await scriptLine(options, /^#?set cmdline/);
      assert.equal(field, words === "" ? "#set cmdline quiet" : `set cmdline ${words}`);
    });
  }

  it("keep a root and an initrd that a replacement names itself", async () => {
    const line = `root=/dev/sda1 initrd=x config_url=http://a/b`;
    const { description } = await extracted({ cmdlineReplace: line });
    assert.equal(description.commandLine, line);
  });

  const releases: [release: string, start: string][] = [
    ["v1.6.0", "install-mode nodepair.enable"],
    ["v2.4.2", "install-mode nodepair.enable"],
    ["v3.2.3", "install-mode config_url"],
    ["v10.0.0", "install-mode config_url"],
  ];
  for (const [release, start] of releases) {
    it(`start the installer of ${release}`, async () => {
      const content = `KAIROS_RELEASE=${release}\n`;
      const image = await imageOf([baseLayer, [{ name: "etc/kairos-release", content }]]);
      const { description } = await extracted({ image, name: "x" });
      assert.ok(description.commandLine.includes(` ${start}`), description.commandLine);
    });
  }

  it("warn if Alpine would have to fetch over HTTPS", async () => {
    const content = "KAIROS_FLAVOR=alpine\n";
    const image = await imageOf([baseLayer, [{ name: "etc/kairos-release", content }]]);
    for (const [url, expected] of [
      ["http://a", 0],
      ["https://a", 1],
    ] as const) {
      const warnings: string[] = [];
      await extracted({
        ...{ image, url, name: "x" },
        onEvent: (event) => {
          if (event.type === "message" && /over HTTPS/.test(event.text)) warnings.push(event.text);
        },
      });
      assert.equal(warnings.length, expected, url);
    }
  });

  it("accept a URL with and without a trailing slash", async () => {
    for (const url of ["http://10.0.0.1:8000/a%20b/c", "http://10.0.0.1:8000/a b/c//"]) {
      const line = await scriptLine({ url }, /^#?set url/);
      assert.equal(line, "set url http://10.0.0.1:8000/a%20b/c");
    }
    assert.match(await scriptLine({}, /^#?set url/), /^#/);
  });

  it("put a cloud-config beside the files, and name it in the script", async () => {
    const directory = await temporaryDirectory();
    const cloudConfig = join(directory, "my config.yaml");
    const text = "#cloud-config\nhostname: node\n";
    await writeFile(cloudConfig, text);
    const { paths } = await extracted({ cloudConfig });
    assert.equal(await readFile(paths.cloudConfig!, "utf8"), text);
    const line = await scriptLine({ cloudConfig }, /^isset \$\{config\} \|\|/);
    assert.equal(line, `isset \${config} || set config \${prefix}${demoName}-cloud-config.yaml`);
  });

  it("make the files again if they change", async () => {
    const output = join(await temporaryDirectory(), "out");
    const cloudConfig = join(await temporaryDirectory(), "cc.yaml");
    await writeFile(cloudConfig, "#cloud-config\n");
    const runs: [options: Partial<ExtractOptions>, isUnchanged: boolean][] = [
      [{}, false],
      [{ url: "http://a" }, false],
      [{ url: "http://a" }, true],
      [{ cmdline: "x" }, false],
      [{ cloudConfig }, false],
      [{ cloudConfig }, true],
    ];
    for (const [options, isUnchanged] of runs) {
      const result = await extracted({ ...options, output });
      assert.equal(result.isUnchanged, isUnchanged, JSON.stringify(options));
    }
    await writeFile(cloudConfig, "#cloud-config\nhostname: x\n");
    assert.equal((await extracted({ cloudConfig, output })).isUnchanged, false);
  });

  const refused: [options: Partial<ExtractOptions>, message: RegExp][] = [
    [{ url: "out/" }, /--url out\/ is not a URL/],
    [{ url: "ftp://a/b" }, /neither http/],
    [{ url: "http://user:secret@a/" }, /contains a password/],
    [{ url: "http://a/?x=1" }, /more than a path/],
    [{ url: "http://a/?" }, /more than a path/],
    [{ url: "http://a/#" }, /more than a path/],
    [{ url: `http://a/\${net0/mac}` }, /cannot contain/],
    [{ cmdline: "a\nb" }, /--cmdline contains characters/],
    [{ cmdline: "a || b" }, /the word \|\|/],
    [{ cmdlineReplace: "a #b" }, /--cmdline-replace contains the word #b/],
    [{ console: ["ttyS0 quiet"] }, /not a console/],
  ];
  for (const [options, message] of refused) {
    it(`reject ${JSON.stringify(options)}`, async () => {
      await assert.rejects(extracted(options), (error: Error & { code?: string }) => {
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /secret/);
        assert.equal(error.code, "USAGE_INVALID");
        return true;
      });
    });
  }

  const configs: [what: string, text: string, message: RegExp][] = [
    ["without a marker", "hostname: x\n", /none of the lines #cloud-config,/],
    ["with a longer word as the marker", "#cloud-configuration\n", /none of the lines/],
    ["that is not YAML", "#cloud-config\na: 1\nb: [\n", /is not valid YAML: line [34]/],
  ];
  for (const [what, text, message] of configs) {
    it(`reject a cloud-config ${what}`, async () => {
      const cloudConfig = join(await temporaryDirectory(), "cc.yaml");
      await writeFile(cloudConfig, text);
      await assert.rejects(extracted({ cloudConfig }), { code: "CLOUD_CONFIG_INVALID", message });
    });
  }

  it("reject a cloud-config that does not exist", async () => {
    const message = /cannot be read \(ENOENT\)/;
    await assert.rejects(extracted({ cloudConfig: "/nowhere" }), {
      code: "CLOUD_CONFIG_INVALID",
      message,
    });
  });
});

const places = `root=live:\${url}/${demoName}.squashfs initrd=${demoName}-initrd`;

function kernelLine(words: string): string {
  const own = words.replace(`config_url=\${config}`, `\${config-word}`);
  const files = places.replace(`\${url}/`, `\${prefix}`);
  return `kernel --name ${demoName}-kernel \${prefix}${demoName}-kernel ${files} ${own} \${cmdline} || goto failed`;
}

async function extracted(options: Partial<ExtractOptions>): Promise<ExtractResult> {
  const output = join(await temporaryDirectory(), "out");
  return extract({ image: demoImage, output, platform: "amd64", ...options });
}

async function scriptLine(options: Partial<ExtractOptions>, pattern: RegExp): Promise<string> {
  const { paths } = await extracted(options);
  const script = await readFile(paths.script, "utf8");
  const found = script.split("\n").filter((line) => pattern.test(line));
  assert.equal(found.length, 1, script);
  return found[0]!;
}
