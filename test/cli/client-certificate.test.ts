import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { runCommand } from "../extract/support/run-command.js";
import { demoImage } from "../extract/support/run-netboot.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { freePort, startRegistry } from "../oci-client/support/docker-registry.js";
import { Authority } from "../support/authority.js";
import { assertRefusal } from "./support/refusal.js";

const run = promisify(execFile);

/** nginx, which demands a client certificate, in front of docker-registry with the demo image. */
async function guardedRegistry(t: TestContext) {
  const directory = await temporaryDirectory();
  await chmod(directory, 0o755);
  const behind = await startRegistry(t, directory);
  const words = ["--insecure-policy", "copy", "-q", "--dest-tls-verify=false"];
  await run("skopeo", [...words, `${demoImage}:latest`, `docker://${behind}/os/demo:v1`]);
  const authority = await Authority.create(join(directory, "ca"));
  const server = await authority.issue("server", "IP:127.0.0.1");
  const client = await authority.issue("client", "DNS:client", { usage: "clientAuth" });
  const host = `127.0.0.1:${await freePort()}`;
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${directory}/${name};`)
    .join(" ");
  await writeFile(
    join(directory, "nginx.conf"),
    `daemon off; worker_processes 1; pid ${directory}/nginx.pid; error_log ${directory}/error.log;
     events {}
     http { access_log off; ${temporary}
       server { listen ${host} ssl;
         ssl_certificate ${server.cert}; ssl_certificate_key ${server.key};
         ssl_client_certificate ${authority.caFile}; ssl_verify_client on;
         location / { proxy_pass http://${behind}; proxy_set_header Host $http_host; } } }`,
  );
  const nginx = spawn("nginx", ["-p", directory, "-c", join(directory, "nginx.conf")], {
    stdio: "ignore",
  });
  t.after(async () => {
    if (nginx.exitCode !== null || !nginx.kill()) return;
    await once(nginx, "exit");
  });
  for (let attempt = 0; attempt < 100; attempt++) {
    const answers = await run("curl", ["-sk", "-o", "/dev/null", `https://${host}/`]).then(
      () => true,
      () => false,
    );
    if (answers) return { host, authority, client };
    await delay(50);
  }
  throw new Error("nginx does not answer");
}

describe("a client certificate that nginx demands", () => {
  it("is sent with --tls-cert and --tls-key, and from certs.d", async (t) => {
    const { host, authority, client } = await guardedRegistry(t);
    const cwd = await temporaryDirectory();
    const args = ["extract", `${host}/os/demo:v1`, "--platform=linux/amd64", "--no-cache", "-o"];
    const trusted = ["--tls-ca", authority.caFile];
    const shown = ["--tls-cert", client.cert, "--tls-key", client.key];
    const given = await runCommand([...args, "given", ...trusted, ...shown], { cwd });
    assert.equal(given.status, 0, given.stderr);

    const without = await runCommand([...args, "without", ...trusted], { cwd });
    const refusal = { status: 3, message: /client certificate/, hint: /--tls-cert FILE/ };
    assertRefusal(without, refusal);

    const stranger = await Authority.create(join(cwd, "stranger"), "Stranger");
    const foreign = await stranger.issue("client", "DNS:client", { usage: "clientAuth" });
    const pair = ["--tls-cert", foreign.cert, "--tls-key", foreign.key];
    assertRefusal(await runCommand([...args, "foreign", ...trusted, ...pair], { cwd }), refusal);

    const certificates = join(cwd, ".config/containers/certs.d", host);
    await mkdir(certificates, { recursive: true });
    await copyFile(authority.caFile, join(certificates, "ca.crt"));
    await copyFile(client.cert, join(certificates, "me.cert"));
    await copyFile(client.key, join(certificates, "me.key"));
    const found = await runCommand([...args, "found"], { cwd });
    assert.equal(found.status, 0, found.stderr);
  });
});
