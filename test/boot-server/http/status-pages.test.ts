import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startHttpSite } from "../support/http-site.js";
import { mac, releases } from "../support/rules-of.js";

describe("the status page", () => {
  it("shows what happens, and escapes the text of machines", async () => {
    const site = await startHttpSite({ releases });
    const own = { mac, client: "10.0.0.9", protocol: "http", role: "squashfs" } as const;
    const empty = await (await fetch(`${site.base}/`)).text();
    assert.match(empty, /No machine has asked yet/);
    await fetch(`${site.base}/machine.ipxe?mac=${mac}&buildarch=x86_64&hostname=%3Cb%3Ebold`);
    site.eventLog.add({ type: "script", mac, release: "stable", reasons: [] });
    site.eventLog.add({
      ...own,
      type: "progress",
      name: "x.squashfs",
      sent: 25,
      size: 100,
      rate: 5_000_000,
    });
    const answer = await fetch(`${site.base}/`);
    const page = await answer.text();
    assert.match(page, /52:54:00:aa:bb:01.*is booting/s);
    assert.match(page, /squashfs 25 %, 5\.0 MB\/s/);
    assert.match(page, /&lt;b&gt;bold/);
    assert.doesNotMatch(page, /<b>bold/);
    assert.doesNotMatch(page, /https?:\/\//);
    const policy = answer.headers.get("content-security-policy")!;
    assert.match(policy, /default-src 'none'/);
    const machines = (await (await fetch(`${site.base}/api/machines`)).json()) as {
      machines: { steps: { percent: number }[] }[];
    };
    assert.equal(machines.machines[0]!.steps.at(-1)!.percent, 25);
    const metrics = await (await fetch(`${site.base}/metrics`)).text();
    assert.match(metrics, /^kairos_netboot_transfers 0$/m);
    await site.server.close(0);
  });
});

it("shows on the status page why a machine is refused", async () => {
  const site = await startHttpSite({ releases });
  const reason = "It is excluded by --deny 52:54:00:aa.";
  const mac = "52:54:00:aa:bb:02";
  site.eventLog.add({ type: "ignored", mac, reason, isNotable: true });
  assert.match(await (await fetch(`${site.base}/`)).text(), /is refused.*excluded by --deny/s);
  await site.server.close(0);
});
