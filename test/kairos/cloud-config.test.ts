import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkCloudConfig } from "../../src/kairos/index.js";

describe("checkCloudConfig", () => {
  const valid: [what: string, text: string][] = [
    ["#cloud-config in the first line", "#cloud-config\nhostname: x\n"],
    ["#kairos-config", "#kairos-config\nhostname: x\n"],
    ["#node-config", "#node-config\nhostname: x\n"],
    ["nothing but the marker", "#cloud-config"],
    ["a marker in the tenth line", `${"# comment\n".repeat(9)}#cloud-config\n`],
    ["blanks and a carriage return after the marker", "#cloud-config \t\r\nhostname: x\r\n"],
    ["several documents", "#cloud-config\nhostname: x\n---\nstages: {}\n"],
    ["a variable as a value", `#cloud-config\nhostname: \${machine.hostname}\n`],
    ["variables in a flow sequence", `#cloud-config\nips: [\${machine.ip}, \${machine.mac}]\n`],
    ["shell variables in a script", `#cloud-config\nruncmd:\n- |\n  echo "\${HOME}" [\n`],
    ["Kairos's own templates", "#cloud-config\nhostname: metal-{{ trunc 4 .MachineID }}\n"],
  ];
  for (const [what, text] of valid) {
    it(`accepts ${what}`, () => checkCloudConfig(text, "cc.yaml"));
  }

  const marker =
    /^The cloud-config cc\.yaml has none of the lines #cloud-config, #kairos-config, #node-config/;
  const invalid: [what: string, text: string, message: RegExp][] = [
    ["an empty text", "", marker],
    ["a text without a marker", "hostname: x\n", marker],
    ["a longer word that begins with a marker", "#cloud-configuration\nhostname: x\n", marker],
    ["an indented marker", " #cloud-config\nhostname: x\n", marker],
    ["a marker in the eleventh line", `${"# comment\n".repeat(10)}#cloud-config\n`, marker],
    ["an open bracket", "#cloud-config\na: 1\nb: [\n", /is not valid YAML: line [34]: /],
    ["a duplicate key", "#cloud-config\na: 1\na: 2\n", /is not valid YAML: line 3: /],
    ["an error in a second document", "#cloud-config\na: 1\n---\n}\n", /line 4: /],
  ];
  for (const [what, text, message] of invalid) {
    it(`rejects ${what}`, () => {
      assert.throws(() => checkCloudConfig(text, "cc.yaml"), {
        code: "CLOUD_CONFIG_INVALID",
        message,
      });
    });
  }
});
