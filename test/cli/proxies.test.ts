import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { demoImage } from "../extract/support/run-netboot.js";
import { sharedDirectory } from "../extract/support/temporary-directory.js";
import { Authority } from "../support/authority.js";
import { inOwnNetwork, runCommandsScript } from "./support/own-network.js";
import type { ConcludedOutcome, PreparedCommand } from "./support/run-commands.js";

const machine = "10.9.8.7";
const [secure, plain] = [`${machine}:5000`, `${machine}:5001`];
const [open, locked] = [`${machine}:8888`, `${machine}:8889`];
/** The open proxy behind TLS, which socat adds. */
const wrapped = `${machine}:8890`;
const password = "let-me-through";
const wrongPassword = "do-not-let-me-in";

/**
 * Configures Debian's docker-registry with and without TLS, and Debian's tinyproxy with and without a
 * password, for a separate network, in which this machine has an address besides the loopback's.
 */
async function prepare(): Promise<string> {
  const directory = await sharedDirectory();
  const authority = await Authority.create(join(directory, "ca"));
  const { cert: certificate, key } = await authority.issue("registry", `IP:${machine}`);
  const storage = { filesystem: { rootdirectory: join(directory, "storage") } };
  const registries = {
    secure: [secure, { tls: { certificate, key } }],
    plain: [plain, {}],
  } as const;
  for (const [name, [addr, tls]] of Object.entries(registries)) {
    const config = { version: "0.1", log: { level: "error" }, storage, http: { addr, ...tls } };
    await writeFile(join(directory, `${name}.yml`), JSON.stringify(config));
  }
  const proxies = { open: [open, ""], locked: [locked, `BasicAuth alice ${password}\n`] } as const;
  for (const [name, [address, more]] of Object.entries(proxies)) {
    const port = address.split(":")[1];
    const log = join(directory, `${name}.log`);
    const lines = `Port ${port}\nListen ${machine}\nTimeout 30\nLogFile "${log}"\nLogLevel Connect\n`;
    await writeFile(join(directory, `${name}.conf`), `${lines}${more}`);
  }
  return directory;
}

interface Pull {
  readonly env: Readonly<Record<string, string>>;
  readonly image: string;
  readonly options?: readonly string[];
}

const trusted = ["--tls-ca", "CA"];
const both = { http_proxy: `http://${open}`, https_proxy: `http://${open}` };

const pulls = {
  tunnel: { env: { HTTPS_PROXY: `http://${open}` }, image: secure, options: trusted },
  untrustedTunnel: { env: { HTTPS_PROXY: `http://${open}` }, image: secure },
  plain: {
    env: { http_proxy: `${open}`, HTTPS_PROXY: "" },
    image: plain,
    options: ["--insecure", plain],
  },
  insecurePlain: { env: both, image: plain, options: ["--insecure", plain] },
  insecureTls: { env: both, image: secure, options: ["--insecure", secure] },
  exempt: {
    env: { HTTPS_PROXY: `http://${open}`, NO_PROXY: "localhost,10.9.8.0/24" },
    image: secure,
    options: trusted,
  },
  rightPassword: {
    env: { HTTPS_PROXY: `http://alice:${password}@${locked}` },
    image: secure,
    options: trusted,
  },
  wrongPassword: {
    env: { HTTPS_PROXY: `http://alice:${wrongPassword}@${locked}` },
    image: secure,
    options: trusted,
  },
  noPassword: {
    env: { http_proxy: `${locked}` },
    image: plain,
    options: ["--insecure", plain],
  },
  tls: { env: { HTTPS_PROXY: `https://${wrapped}` }, image: secure, options: trusted },
  untrustedTls: {
    env: { http_proxy: `https://${wrapped}` },
    image: plain,
    options: ["--insecure", plain],
  },
  missing: { env: { HTTPS_PROXY: `http://${machine}:1` }, image: secure, options: trusted },
} as const satisfies Record<string, Pull>;

type PullName = keyof typeof pulls;

/** Makes all pulls in one network, because its servers take long to start. */
async function pullAll(files: string): Promise<Map<string, string>> {
  const start = `
    export HOME="$PWD"; f="${files}"
    docker-registry serve $f/secure.yml >/dev/null 2>&1 & docker-registry serve $f/plain.yml >/dev/null 2>&1 &
    tinyproxy -d -c $f/open.conf >/dev/null 2>&1 & tinyproxy -d -c $f/locked.conf >/dev/null 2>&1 &
    for at in ${[secure, plain, open, locked].join(" ")}; do
      until curl -sk -o /dev/null "http://$at/"; do sleep 0.1; done
    done
    socat OPENSSL-LISTEN:8890,reuseaddr,fork,cert=$f/ca/registry.cert,key=$f/ca/registry.key,verify=0 TCP:${open} >/dev/null 2>&1 &
    until curl -sk -o /dev/null https://${wrapped}/; do sleep 0.1; done
    skopeo --insecure-policy copy -q --dest-tls-verify=false ${demoImage}:latest docker://${plain}/os/demo:v1`;
  const commands = Object.entries(pulls).map(([name, pull]: [string, Pull]): PreparedCommand => {
    const { env, image, options = [] } = pull;
    const words = ["extract", `${image}/os/demo:v1`, "-o", name, "--platform", "linux/amd64"];
    const more = options.map((word) => (word === "CA" ? `${files}/ca/ca.pem` : word));
    return {
      prepare: `: > ${files}/open.log; : > ${files}/locked.log`,
      args: [...words, "--verbose", "--no-cache", ...more],
      env,
      conclude: `cd ${files}; sed -n 's/^[A-Z]* .*Request.*: \\(.*\\) HTTP.*/\\1/p' open.log locked.log`,
    };
  });
  const script = `${start}\n${runCommandsScript(commands)}`;
  const output = await inOwnNetwork(script, { timeoutMs: 240_000 });
  const outcomes: ConcludedOutcome[] = JSON.parse(output);
  const names = Object.keys(pulls);
  return new Map(
    outcomes.map(({ stdout, stderr, status, concluded }, index) => [
      names[index] ?? "",
      `${stdout}${stderr}status ${status}\n${concluded}`,
    ]),
  );
}

describe("a proxy", () => {
  let results: ReadonlyMap<string, string>;
  before(async () => {
    results = await pullAll(await prepare());
  });

  /** The output of a pull, then its status, then the requests that the proxies logged. */
  const outputOf = (name: PullName): string => results.get(name) ?? assert.fail(`no ${name}`);
  const manifest = "v2/os/demo/manifests/v1";
  const connected = new RegExp(`^CONNECT ${secure}$`, "m");

  it("tunnels to a registry with TLS, whose certificate is checked", () => {
    assert.match(outputOf("tunnel"), /status 0/);
    assert.match(outputOf("tunnel"), connected);
    assert.match(outputOf("untrustedTunnel"), /does not trust[\s\S]*--tls-ca FILE[\s\S]*status 3/);
  });

  it("forwards requests over plain HTTP without a tunnel", () => {
    assert.match(outputOf("plain"), /status 0/);
    assert.match(outputOf("plain"), new RegExp(`^GET http://${plain}/${manifest}$`, "m"));
  });

  it("is used in both ways for an insecure registry", () => {
    assert.match(outputOf("insecurePlain"), /status 0/);
    assert.match(outputOf("insecureTls"), /status 0/);
    assert.match(outputOf("insecureTls"), connected);
  });

  it("is not used for hosts in NO_PROXY", () => {
    assert.match(outputOf("exempt"), /status 0/);
    assert.doesNotMatch(outputOf("exempt"), /CONNECT/);
  });

  it("receives the user and password in its URL, and nothing else shows them", () => {
    assert.match(outputOf("rightPassword"), /status 0/);
    assert.match(outputOf("rightPassword"), connected);
    const refused =
      /The proxy 10\.9\.8\.7:8889 requires a different user name and password[\s\S]*status 3/;
    assert.match(outputOf("wrongPassword"), refused);
    assert.doesNotMatch(outputOf("wrongPassword"), new RegExp(wrongPassword));
    assert.match(outputOf("noPassword"), refused);
  });

  it("can use TLS itself, with the same trust as a registry", () => {
    assert.match(outputOf("tls"), /status 0/);
    assert.match(outputOf("tls"), connected);
    assert.match(outputOf("untrustedTls"), /does not trust[\s\S]*status 3/);
  });

  it("is named in the error if it cannot be reached", () => {
    const output = outputOf("missing");
    assert.match(output, /The proxy 10\.9\.8\.7:1 refused the connection.*\n.*HTTPS_PROXY/);
    assert.match(output, /status 3/);
  });
});
