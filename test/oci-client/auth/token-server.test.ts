import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tokenServer } from "../../../src/oci-client/auth/token-server.js";
import { ConnectionConfig } from "../../../src/oci-client/transport/connection-options.js";
import { failsWith } from "../support/fails-with.js";

/** Names under example and invalid resolve to nothing (RFC 2606), which is as good as public. */
const allowed: [name: string, registry: string, realm: string][] = [
  ["elsewhere, by HTTPS", "https://registry.example", "https://auth.example/token"],
  ["at the registry itself", "https://registry.example", "https://registry.example/token"],
  ["at another port of it", "https://10.0.0.5:5000", "https://10.0.0.5:5001/token"],
  ["at a public address", "https://registry.example", "https://192.0.2.7/token"],
  ["on this machine, where the registry is", "http://127.0.0.1:5000", "http://127.0.0.1:5001/t"],
  ["on this machine by its other name", "http://localhost:5000", "http://127.0.0.1:5001/t"],
  ["by HTTPS where the registry has none", "http://10.0.0.5:5000", "https://auth.example/token"],
  ["over plain HTTP where the registry has it", "http://10.0.0.5:5000", "http://10.0.0.5/token"],
];

const refused: [name: string, registry: string, realm: string][] = [
  ["over plain HTTP", "https://registry.example", "http://auth.example/token"],
  [
    "over plain HTTP at the registry itself",
    "https://registry.example",
    "http://registry.example/",
  ],
  ["over plain HTTP elsewhere", "http://10.0.0.5:5000", "http://auth.example/token"],
  ["over plain HTTP from this machine to another", "http://127.0.0.1:1", "http://auth.example/"],
  ["on this machine", "https://registry.example", "https://127.0.0.1/token"],
  ["on this machine, by a name", "https://registry.example", "https://localhost:8443/token"],
  ["on this machine, in hexadecimal", "https://registry.example", "https://0x7f.1/token"],
  ["on this machine, as one number", "https://registry.example", "https://2130706433/token"],
  ["on this machine, by IPv6", "https://registry.example", "https://[::1]/token"],
  ["on this machine, IPv4 in IPv6", "https://registry.example", "https://[::ffff:127.0.0.1]/t"],
  ["at the address of all of them", "https://registry.example", "https://0.0.0.0/token"],
  ["at a cloud's metadata", "https://registry.example", "https://169.254.169.254/latest"],
  ["on the link, by IPv6", "https://registry.example", "https://[fe80::1]/token"],
  ["in 10.0.0.0/8", "https://registry.example", "https://10.1.2.3/token"],
  ["in 172.16.0.0/12", "https://registry.example", "https://172.31.2.3/token"],
  ["in 192.168.0.0/16", "https://registry.example", "https://192.168.1.1/token"],
  ["behind a carrier's NAT", "https://registry.example", "https://100.64.0.1/token"],
  ["in fc00::/7", "https://registry.example", "https://[fd00::1]/token"],
  ["at a neighbour's bare address", "https://10.0.0.5:5000", "https://10.0.0.6:5000/token"],
  ["at another address of this machine", "http://127.0.0.1:5000", "http://127.0.0.2:5000/token"],
  ["on this machine from a private one", "https://10.0.0.5:5000", "https://127.0.0.1:5000/token"],
  ["in a file", "https://registry.example", "file:///etc/passwd"],
  ["nowhere", "https://registry.example", "token"],
];

describe("a token server", () => {
  const settings = new ConnectionConfig({ env: {} });
  for (const [name, registry, realm] of allowed) {
    it(`may be ${name}`, async () => {
      const found = await tokenServer("registry", realm, new URL(registry), settings);
      assert.equal(found.href, new URL(realm).href);
    });
  }
  for (const [name, registry, realm] of refused) {
    it(`may not be ${name}`, async () => {
      await assert.rejects(
        tokenServer("registry", realm, new URL(registry), settings),
        failsWith("REGISTRY_ERROR", /safe to use|private address/),
      );
    });
  }
  it("is asked without the user and password in its address", async () => {
    const realm = "https://me:secret@auth.example/token#x";
    const origin = new URL("https://registry.example");
    const found = await tokenServer("registry", realm, origin, settings);
    assert.equal(found.href, "https://auth.example/token");
  });
});
