import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { demoImage } from "../extract/support/program.js";
import { sharedDirectory } from "../extract/support/temporary-directory.js";
import { Authority } from "../support/authority.js";
import { inOwnNetwork } from "./support/own-network.js";

const machine = "10.9.8.7";
const [secure, plain] = [`${machine}:5000`, `${machine}:5001`];
const [open, locked] = [`${machine}:8888`, `${machine}:8889`];
/** The open proxy behind TLS, which socat adds. */
const wrapped = `${machine}:8890`;
const password = "let-me-through";

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

describe("a proxy", () => {
  let files = "";
  before(async () => {
    files = await prepare();
  });

  /** @returns the output of the command, then its status, then the requests that the proxies logged */
  async function pull(variables: string, image: string, options = ""): Promise<string> {
    const script = `
      export HOME="$PWD"; f="${files}"; rm -f $f/*.log
      docker-registry serve $f/secure.yml >/dev/null 2>&1 & docker-registry serve $f/plain.yml >/dev/null 2>&1 &
      tinyproxy -d -c $f/open.conf >/dev/null 2>&1 & tinyproxy -d -c $f/locked.conf >/dev/null 2>&1 &
      for at in ${[secure, plain, open, locked].join(" ")}; do
        until curl -sk -o /dev/null "http://$at/"; do sleep 0.1; done
      done
      socat OPENSSL-LISTEN:8890,reuseaddr,fork,cert=$f/ca/registry.cert,key=$f/ca/registry.key,verify=0 TCP:${open} >/dev/null 2>&1 &
      until curl -sk -o /dev/null https://${wrapped}/; do sleep 0.1; done
      skopeo --insecure-policy copy -q --dest-tls-verify=false ${demoImage}:latest docker://${plain}/os/demo:v1
      : > $f/open.log; : > $f/locked.log
      env ${variables} $netboot extract ${image}/os/demo:v1 -o out --platform linux/amd64 --verbose \
        --no-cache ${options} 2>&1
      echo "status $?"
      sed -n 's/^[A-Z]* .*Request.*: \\(.*\\) HTTP.*/\\1/p' $f/open.log $f/locked.log`;
    return inOwnNetwork(script);
  }

  const trusting = () => `--tls-ca ${files}/ca/ca.pem`;
  const manifest = "v2/os/demo/manifests/v1";

  it("tunnels to a registry with TLS, whose certificate is checked", async () => {
    const said = await pull(`HTTPS_PROXY=http://${open}`, secure, trusting());
    assert.match(said, /status 0/);
    assert.match(said, new RegExp(`^CONNECT ${secure}$`, "m"));
    const untrusting = await pull(`HTTPS_PROXY=http://${open}`, secure);
    assert.match(untrusting, /does not trust[\s\S]*--tls-ca FILE[\s\S]*status 3/);
  });

  it("forwards requests over plain HTTP without a tunnel", async () => {
    const said = await pull(`http_proxy=${open} HTTPS_PROXY=`, plain, `--insecure ${plain}`);
    assert.match(said, /status 0/);
    assert.match(said, new RegExp(`^GET http://${plain}/${manifest}$`, "m"));
  });

  it("is used in both ways for an insecure registry", async () => {
    const both = `http_proxy=http://${open} https_proxy=http://${open}`;
    assert.match(await pull(both, plain, `--insecure ${plain}`), /status 0/);
    const said = await pull(both, secure, `--insecure ${secure}`);
    assert.match(said, /status 0/);
    assert.match(said, new RegExp(`^CONNECT ${secure}$`, "m"));
  });

  it("is not used for hosts in NO_PROXY", async () => {
    const variables = `HTTPS_PROXY=http://${open} NO_PROXY=localhost,10.9.8.0/24`;
    const said = await pull(variables, secure, trusting());
    assert.match(said, /status 0/);
    assert.doesNotMatch(said, /CONNECT/);
  });

  it("receives the user and password in its URL, and nothing else shows them", async () => {
    const right = `HTTPS_PROXY=http://alice:${password}@${locked}`;
    const said = await pull(right, secure, trusting());
    assert.match(said, /status 0/);
    assert.match(said, new RegExp(`^CONNECT ${secure}$`, "m"));
    const refused =
      /The proxy 10\.9\.8\.7:8889 requires a different user name and password[\s\S]*status 3/;
    const wrong = `HTTPS_PROXY=http://alice:wrong-${password}@${locked}`;
    const saidOfWrong = await pull(wrong, secure, trusting());
    assert.match(saidOfWrong, refused);
    assert.doesNotMatch(saidOfWrong, new RegExp(password));
    assert.match(await pull(`http_proxy=${locked}`, plain, `--insecure ${plain}`), refused);
  });

  it("can use TLS itself, with the same trust as a registry", async () => {
    const said = await pull(`HTTPS_PROXY=https://${wrapped}`, secure, trusting());
    assert.match(said, /status 0/);
    assert.match(said, new RegExp(`^CONNECT ${secure}$`, "m"));
    const untrusting = await pull(`http_proxy=https://${wrapped}`, plain, `--insecure ${plain}`);
    assert.match(untrusting, /does not trust[\s\S]*status 3/);
  });

  it("is named in the error if it cannot be reached", async () => {
    const said = await pull(`HTTPS_PROXY=http://${machine}:1`, secure, trusting());
    assert.match(said, /The proxy 10\.9\.8\.7:1 refused the connection.*\n.*HTTPS_PROXY/);
    assert.match(said, /status 3/);
  });
});
