import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { parseRuleset, type ServedPort } from "../../../src/boot-server/net/firewall.js";

const run = promisify(execFile);

const ports: ServedPort[] = [
  { protocol: "udp", port: 67 },
  { protocol: "udp", port: 69 },
  { protocol: "tcp", port: 8080 },
];

/** What nft prints about a ruleset, loaded in a network namespace of its own. */
async function rulesetOf(rules: string): Promise<string> {
  const script = `set -e; nft -f - <<'END'\n${rules}\nEND\nnft -j list ruleset`;
  const { stdout } = await run("unshare", ["--map-root-user", "--net", "sh", "-c", script]);
  return stdout;
}

const input = (policy: string, rules: string) =>
  `table inet filter {
     chain input {
       type filter hook input priority 0; policy ${policy};
       ${rules}
     }
   }`;

const common = "ct state established,related accept; iifname lo accept; ip protocol icmp accept;";
const cases: [name: string, rules: string, closed: string][] = [
  ["without rules", "", ""],
  ["that accepts everything", input("accept", ""), ""],
  ["that drops everything", input("drop", ""), "67 69 8080"],
  ["of a hardened machine", input("drop", `${common} tcp dport 22 accept`), "67 69 8080"],
  ["that accepts one of the ports", input("drop", `${common} udp dport 69 accept`), "67 8080"],
  [
    "that accepts sets and ranges",
    input("drop", "udp dport { 67, 69 } accept; tcp dport 8000-9000 accept"),
    "",
  ],
  ["that accepts an interface", input("drop", `${common} iifname eth1 accept`), ""],
  [
    "that accepts the ports of another protocol",
    input("drop", "tcp dport { 67, 69 } accept"),
    "67 69 8080",
  ],
  ["that accepts a network", input("drop", "ip saddr 10.0.0.0/8 accept"), ""],
  [
    "that drops what is forwarded",
    "table ip f {\n chain x {\n type filter hook forward priority 0; policy drop;\n }\n }",
    "",
  ],
];

describe("the firewall of this machine", () => {
  for (const [name, rules, closed] of cases) {
    it(`${name} drops ${closed === "" ? "none of the ports" : closed}`, async () => {
      const chains = parseRuleset(await rulesetOf(rules), ports);
      const found = chains.flatMap((chain) => chain.closed.map(({ port }) => port)).join(" ");
      assert.equal(found, closed);
      if (closed !== "") assert.equal(chains[0]?.name, "inet filter input");
    });
  }
});
