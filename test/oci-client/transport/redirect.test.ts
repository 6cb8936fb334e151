import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { registryOrigin } from "../../../src/oci-client/transport/origin.js";
import { redirectTarget } from "../../../src/oci-client/transport/redirect.js";
import { failsWith } from "../support/fails-with.js";

const origins: [registry: string, origin: string][] = [
  ["quay.io", "https://quay.io"],
  ["docker.io", "https://registry-1.docker.io"],
  ["registry.example:5000", "https://registry.example:5000"],
  ["10.0.0.1:5000", "https://10.0.0.1:5000"],
  ["localhost.example.com", "https://localhost.example.com"],
  ["notlocalhost:5000", "https://notlocalhost:5000"],
  ["localhost", "http://localhost"],
  ["registry.localhost:5000", "http://registry.localhost:5000"],
  ["127.0.0.1:5000", "http://127.0.0.1:5000"],
  ["127.8.9.10", "http://127.8.9.10"],
  ["[::1]:5000", "http://[::1]:5000"],
];

describe("registryOrigin", () => {
  for (const [registry, origin] of origins) {
    it(`uses ${origin} for ${registry}`, () => {
      assert.equal(registryOrigin(registry).origin, origin);
    });
  }
});

const refused: [name: string, from: string, location: string][] = [
  ["from HTTPS to plain HTTP", "https://quay.io/v2/", "http://quay.io/v2/"],
  ["from HTTPS to plain HTTP on this machine", "https://quay.io/v2/", "http://127.0.0.1/"],
  ["from this machine to plain HTTP elsewhere", "http://127.0.0.1/v2/", "http://cdn.example/"],
  ["to a file", "http://127.0.0.1/v2/", "file:///etc/passwd"],
  ["to an invalid URL", "https://quay.io/v2/", "https://"],
];

describe("redirectTarget", () => {
  for (const [name, from, location] of refused) {
    it(`refuses to go ${name}`, () => {
      assert.throws(() => redirectTarget(location, new URL(from)), failsWith("REGISTRY_ERROR"));
    });
  }
  it("resolves a relative URL", () => {
    const target = redirectTarget("/b?c=1", new URL("https://quay.io/a"));
    assert.equal(target.href, "https://quay.io/b?c=1");
  });
  it("hides the signature and the password of a refused URL", () => {
    assert.throws(
      () => redirectTarget("http://me:secret@cdn.example/x?sig=secret", new URL("https://quay.io")),
      (error: Error) => !error.message.includes("secret"),
    );
  });
});
