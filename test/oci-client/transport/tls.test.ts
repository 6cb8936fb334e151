import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { promisify } from "node:util";
import {
  type ConnectionOptions,
  parsePlatform,
  parseReference,
  RegistryClient,
} from "../../../src/oci-client/index.js";
import { Authority } from "../../support/authority.js";
import { startConfiguredRegistry } from "../support/docker-registry.js";
import { failsWith } from "../support/fails-with.js";
import { ImageContent } from "../support/image-content.js";

const run = promisify(execFile);
const amd64 = { os: "linux", architecture: "amd64" };
const loopback = "IP:127.0.0.1";

interface Server {
  readonly directory: string;
  readonly authority: Authority;
  readonly host: string;
  /** A home directory, initially empty. */
  readonly home: string;
}

interface Setting {
  readonly names?: string;
  readonly isExpired?: boolean;
  readonly wantsCertificate?: boolean;
}

/** Debian's docker-registry with TLS from a private authority. */
async function startTlsRegistry(t: TestContext, setting: Setting = {}): Promise<Server> {
  const directory = await mkdtemp(join(tmpdir(), "oci-client-"));
  t.after(() => rm(directory, { recursive: true }));
  const authority = await Authority.create(join(directory, "ca"));
  const { names = loopback, isExpired = false } = setting;
  const { cert, key } = await authority.issue("registry", names, { isExpired });
  const clientcas = setting.wantsCertificate ? { clientcas: [authority.caFile] } : {};
  const tls = { certificate: cert, key, ...clientcas };
  const host = await startConfiguredRegistry(t, directory, { tls });
  const home = join(directory, "home");
  await mkdir(home);
  return { directory, authority, host, home };
}

/** The digest of the image that skopeo pushed. */
async function push({ directory, authority, host }: Server): Promise<string> {
  const content = new ImageContent();
  const image = content.image(amd64);
  await content.writeLayout(join(directory, "layout"), image, "v1");
  const certificates = join(directory, "skopeo-certs");
  await mkdir(certificates);
  await copyFile(authority.caFile, join(certificates, "ca.crt"));
  const client = await authority.issue("skopeo", loopback, { usage: "clientAuth" });
  await copyFile(client.cert, join(certificates, "client.cert"));
  await copyFile(client.key, join(certificates, "client.key"));
  const words = ["--insecure-policy", "copy", `--dest-cert-dir=${certificates}`];
  await run("skopeo", [...words, `oci:${directory}/layout:v1`, `docker://${host}/os/image:v1`]);
  return image.digest;
}

/** The digest that a client with these options finds, with an otherwise empty environment. */
async function pull(
  t: TestContext,
  { host, home }: Pick<Server, "host" | "home">,
  network: ConnectionOptions = {},
) {
  const client = new RegistryClient({ network: { env: {}, home, ...network } });
  t.after(() => client.close());
  const image = await client.resolve(
    parseReference(`${host}/os/image:v1`),
    parsePlatform("linux/amd64"),
  );
  return image.digest;
}

async function certificatesFor({ home, host }: Server): Promise<string> {
  const directory = join(home, ".config/containers/certs.d", host);
  await mkdir(directory, { recursive: true });
  return directory;
}

describe("a registry with a certificate of a private authority", () => {
  it("is trusted with the authority of --tls-ca", async (t) => {
    const server = await startTlsRegistry(t);
    const digest = await push(server);
    assert.equal(await pull(t, server, { caFile: server.authority.caFile }), digest);
  });

  it("is trusted with the authority in certs.d/HOST:PORT", async (t) => {
    const server = await startTlsRegistry(t);
    const digest = await push(server);
    await copyFile(server.authority.caFile, join(await certificatesFor(server), "any.crt"));
    assert.equal(await pull(t, server), digest);
  });

  it("is trusted with the authority in SSL_CERT_FILE and NODE_EXTRA_CA_CERTS", async (t) => {
    const server = await startTlsRegistry(t);
    const digest = await push(server);
    // A registry on this machine is contacted with HTTPS only if there are TLS settings for it.
    await certificatesFor(server);
    const { caFile } = server.authority;
    assert.equal(await pull(t, server, { env: { SSL_CERT_FILE: caFile } }), digest);
    assert.equal(await pull(t, server, { env: { NODE_EXTRA_CA_CERTS: caFile } }), digest);
  });

  it("is not trusted without it, and the hint names the option", async (t) => {
    const server = await startTlsRegistry(t);
    await certificatesFor(server);
    await assert.rejects(pull(t, server), (error: Error & { hint: string }) => {
      assert.match(error.hint, /--tls-ca FILE.*certs\.d/);
      return failsWith("REGISTRY_UNREACHABLE", /does not trust/)(error);
    });
  });

  it("is not trusted with another authority of the same name", async (t) => {
    const server = await startTlsRegistry(t);
    const other = await Authority.create(join(server.directory, "other"));
    await assert.rejects(
      pull(t, server, { caFile: other.caFile }),
      failsWith("REGISTRY_UNREACHABLE", /certificate/),
    );
  });

  it("is refused if the certificate has expired", async (t) => {
    const server = await startTlsRegistry(t, { isExpired: true });
    await assert.rejects(
      pull(t, server, { caFile: server.authority.caFile }),
      failsWith("REGISTRY_UNREACHABLE", /not valid today/),
    );
  });

  it("is refused if the certificate is for another name", async (t) => {
    const server = await startTlsRegistry(t, { names: "DNS:registry.example" });
    await assert.rejects(
      pull(t, server, { caFile: server.authority.caFile }),
      failsWith("REGISTRY_UNREACHABLE", /another name/),
    );
  });
});

describe("an insecure registry", () => {
  it("is contacted with HTTPS, and its certificate is not checked", async (t) => {
    const server = await startTlsRegistry(t, { names: "DNS:other.example", isExpired: true });
    await assert.rejects(
      pull(t, server, { insecureHosts: [server.host] }),
      failsWith("IMAGE_NOT_FOUND"),
    );
  });

  it("is contacted with plain HTTP if it has no TLS", async (t) => {
    const directory = await mkdtemp(join(tmpdir(), "oci-client-"));
    t.after(() => rm(directory, { recursive: true }));
    const host = await startConfiguredRegistry(t, directory, {});
    const client = new RegistryClient({ network: { env: {}, insecureHosts: [host] } });
    t.after(() => client.close());
    await assert.rejects(
      client.manifest(parseReference(`${host}/os/image:v1`)),
      failsWith("IMAGE_NOT_FOUND"),
    );
  });

  it("does not make other registries insecure", async (t) => {
    const server = await startTlsRegistry(t);
    await certificatesFor(server);
    const neighbors = ["127.0.0.1:1", "127.0.0.1", "localhost", server.host.replace(/\d$/, "")];
    await assert.rejects(
      pull(t, server, { insecureHosts: neighbors }),
      failsWith("REGISTRY_UNREACHABLE", /does not trust/),
    );
  });
});

describe("a registry on this machine without TLS", () => {
  it("is found even if --tls-ca is given for another one", async (t) => {
    const directory = await mkdtemp(join(tmpdir(), "oci-client-"));
    t.after(() => rm(directory, { recursive: true }));
    const host = await startConfiguredRegistry(t, directory, {});
    const { caFile } = await Authority.create(join(directory, "ca"));
    await assert.rejects(
      pull(t, { host, home: directory }, { caFile }),
      failsWith("IMAGE_NOT_FOUND"),
    );
  });
});

describe("a registry that demands a client certificate", () => {
  it("receives the one of --tls-cert and --tls-key or of certs.d, and is named if there is none", async (t) => {
    const server = await startTlsRegistry(t, { wantsCertificate: true });
    const digest = await push(server);
    const { caFile } = server.authority;
    const { cert, key } = await server.authority.issue("me", loopback, { usage: "clientAuth" });

    const clientCertificate = { certFile: cert, keyFile: key, registry: server.host };
    assert.equal(await pull(t, server, { caFile, clientCertificate }), digest);
    await assert.rejects(pull(t, server, { caFile }), (error: Error & { hint: string }) => {
      assert.match(error.hint, /--tls-cert FILE/);
      return failsWith("REGISTRY_UNREACHABLE", /client certificate/)(error);
    });
    await assert.rejects(
      pull(t, server, {
        caFile,
        clientCertificate: { ...clientCertificate, registry: "quay.io" },
      }),
      failsWith("REGISTRY_UNREACHABLE", /client certificate/),
      "the certificate for another registry is not sent",
    );

    const directory = await certificatesFor(server);
    await copyFile(caFile, join(directory, "ca.crt"));
    await copyFile(cert, join(directory, "me.cert"));
    await copyFile(key, join(directory, "me.key"));
    assert.equal(await pull(t, server), digest);
  });
});

describe("invalid certificate files", () => {
  it("are named without quoting a key", async (t) => {
    const directory = await mkdtemp(join(tmpdir(), "oci-client-"));
    t.after(() => rm(directory, { recursive: true }));
    const authority = await Authority.create(directory);
    const [mine, other] = [
      await authority.issue("a", loopback),
      await authority.issue("b", loopback),
    ];
    const nothing = join(directory, "nothing.pem");
    await writeFile(nothing, "secret secret");
    const locked = join(directory, "locked.key");
    await run("openssl", [
      "pkey",
      "-in",
      mine.key,
      "-aes256",
      "-passout",
      "pass:x",
      "-out",
      locked,
    ]);

    const pair = (certFile: string, keyFile: string) => ({
      clientCertificate: { certFile, keyFile, registry: "127.0.0.1:1" },
    });
    const cases: [ConnectionOptions, RegExp][] = [
      [{ caFile: join(directory, "gone") }, /gone cannot be read \(ENOENT\)/],
      [{ caFile: directory }, /cannot be read \(EISDIR\)/],
      [{ caFile: nothing }, /nothing\.pem does not contain a certificate/],
      [{ caFile: "/dev/zero" }, /larger than 1 MiB/],
      [pair(mine.cert, nothing), /does not contain a key/],
      [pair(nothing, mine.key), /does not contain a certificate/],
      [pair(mine.cert, locked), /passphrase/],
      [pair(mine.cert, other.key), /cannot be used/],
    ];
    for (const [network, words] of cases) {
      const client = new RegistryClient({ network: { env: {}, home: directory, ...network } });
      t.after(() => client.close());
      await assert.rejects(client.manifest(parseReference("127.0.0.1:1/a/b")), (error: Error) => {
        assert.doesNotMatch(`${error.stack}`, /secret/);
        return failsWith("REGISTRY_CONFIG_INVALID", words)(error);
      });
    }
  });

  it("include a certificate in certs.d without its key", async (t) => {
    const home = await mkdtemp(join(tmpdir(), "oci-client-"));
    t.after(() => rm(home, { recursive: true }));
    const directory = join(home, ".config/containers/certs.d/127.0.0.1:1");
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, "me.cert"), "");
    const client = new RegistryClient({ network: { env: {}, home } });
    t.after(() => client.close());
    await assert.rejects(
      client.manifest(parseReference("127.0.0.1:1/a/b")),
      failsWith("REGISTRY_CONFIG_INVALID", /has no key: me\.key is missing/),
    );
  });
});
