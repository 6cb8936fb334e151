import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import fc from "fast-check";
import { proxyFor } from "../../../src/oci-client/transport/proxy.js";
import { failsWith } from "../support/fails-with.js";

/** Nothing listens there, so that curl fails immediately and names the address. */
const proxyUrl = "http://127.0.0.1:1";

const rules: [name: string, url: string, env: Record<string, string>, isProxied: boolean][] = [
  ["HTTPS_PROXY is for HTTPS", "https://a.example/", { HTTPS_PROXY: proxyUrl }, true],
  ["https_proxy is for HTTPS too", "https://a.example/", { https_proxy: proxyUrl }, true],
  ["HTTPS_PROXY is not for HTTP", "http://a.example/", { HTTPS_PROXY: proxyUrl }, false],
  ["http_proxy is for HTTP", "http://a.example/", { http_proxy: proxyUrl }, true],
  ["http_proxy is not for HTTPS", "https://a.example/", { http_proxy: proxyUrl }, false],
  ["a scheme is optional", "https://a.example/", { https_proxy: "127.0.0.1:1" }, true],
  ["an empty variable counts as unset", "https://a.example/", { https_proxy: "" }, false],
];

const exceptions: [noProxy: string, url: string, isProxied: boolean][] = [
  ["*", "https://a.example/", false],
  ["a.example", "https://a.example/", false],
  ["A.EXAMPLE", "https://a.example/", false],
  ["example", "https://a.example/", false],
  [".example", "https://a.example/", false],
  [".a.example", "https://a.example/", false],
  ["a.example", "https://ba.example/", true],
  ["a.example", "https://example/", true],
  ["b.example,a.example", "https://a.example/", false],
  ["b.example, a.example", "https://a.example/", false],
  ["b.example a.example", "https://a.example/", false],
  ["192.0.2.7", "http://192.0.2.7/", false],
  ["192.0.2.0/24", "http://192.0.2.7/", false],
  ["192.0.2.0/24", "http://192.0.3.7/", true],
  ["192.0.2.0/33", "http://192.0.2.7/", true],
  ["2.7", "http://192.0.2.7/", true],
  ["2001:db8::7", "http://[2001:db8::7]/", false],
  ["", "https://a.example/", true],
];

/** Whether curl uses the proxy with the same variables. */
function curlUsesProxy(url: string, env: Record<string, string>): boolean {
  const words = ["-sS", "--connect-timeout", "1", "-o", "/dev/null", url];
  const { stderr } = spawnSync("curl", words, { env: { PATH: process.env.PATH, ...env } });
  return /127\.0\.0\.1 port 1\b/.test(String(stderr));
}

describe("proxies from the environment, as curl reads them", () => {
  for (const [name, url, env, isProxied] of rules) {
    it(name, () => {
      assert.equal(curlUsesProxy(url, env), isProxied, "curl");
      assert.equal(proxyFor(new URL(url), env) !== undefined, isProxied);
    });
  }
  for (const [noProxy, url, isProxied] of exceptions) {
    it(`NO_PROXY=${noProxy} ${isProxied ? "does not include" : "includes"} ${url}`, () => {
      const env = { http_proxy: proxyUrl, https_proxy: proxyUrl, NO_PROXY: noProxy };
      assert.equal(curlUsesProxy(url, env), isProxied, "curl");
      assert.equal(proxyFor(new URL(url), env) !== undefined, isProxied);
    });
  }
});

describe("proxies from the environment, as container tools read them", () => {
  it("HTTP_PROXY counts in upper case too", () => {
    assert.ok(proxyFor(new URL("http://a.example/"), { HTTP_PROXY: proxyUrl }));
  });

  it("lower case takes precedence", () => {
    const env = { HTTPS_PROXY: "http://upper:1", https_proxy: "http://lower:1" };
    assert.equal(proxyFor(new URL("https://a.example/"), env)?.url.host, "lower:1");
  });

  it("NO_PROXY can contain a port", () => {
    const env = { https_proxy: proxyUrl, no_proxy: "a.example:5000" };
    assert.equal(proxyFor(new URL("https://a.example:5000/"), env), undefined);
    assert.ok(proxyFor(new URL("https://a.example/"), env));
  });

  it("NO_PROXY can contain an IPv6 network", () => {
    const env = { http_proxy: proxyUrl, no_proxy: "2001:db8::/32" };
    assert.equal(proxyFor(new URL("http://[2001:db8::7]/"), env), undefined);
    assert.ok(proxyFor(new URL("http://[2001:db9::7]/"), env));
  });

  it("loopback addresses never need a proxy", () => {
    const env = { http_proxy: proxyUrl, https_proxy: proxyUrl };
    for (const host of ["localhost:5000", "127.0.0.1:5000", "[::1]:5000", "x.localhost"]) {
      assert.equal(proxyFor(new URL(`http://${host}/`), env), undefined, host);
    }
  });

  it("any value is accepted or refused with an error of the client", () => {
    const url = new URL("https://a.example:5000/");
    const subnets = fc.string().map((text) => `${text}/8`);
    const values = fc.oneof(fc.string(), fc.webUrl(), fc.ipV4(), fc.ipV6(), subnets);
    fc.assert(
      fc.property(values, values, (httpsProxy, noProxy) => {
        try {
          proxyFor(url, { https_proxy: httpsProxy, no_proxy: noProxy });
        } catch (error) {
          failsWith("REGISTRY_CONFIG_INVALID")(error);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("user and password move from the URL to a header", () => {
    const env = { https_proxy: "http://alice:a%20b@proxy:3128" };
    const proxy = proxyFor(new URL("https://a.example/"), env);
    assert.equal(proxy?.url.href, "http://proxy:3128/");
    // coreutils' base64 of "alice:a b".
    assert.equal(proxy?.authorization, "Basic YWxpY2U6YSBi");
  });

  for (const address of ["socks5://secret@proxy:1080", "http://", "http://a:b:c:secret"]) {
    it(`${address} is refused, without being shown`, () => {
      assert.throws(
        () => proxyFor(new URL("https://a.example/"), { https_proxy: address }),
        (error: Error) =>
          failsWith("REGISTRY_CONFIG_INVALID", /HTTPS_PROXY/)(error) &&
          !/secret/.test(error.message),
      );
    });
  }
});
