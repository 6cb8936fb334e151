import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Scope } from "../../support/suite-scope.js";

/** Starts Debian's docker-registry on a free loopback port and gives back its `host:port`. */
export async function startRegistry(
  t: Scope,
  directory: string,
  htpasswd?: string,
): Promise<string> {
  return startConfiguredRegistry(t, directory, {
    ...(htpasswd && { auth: { htpasswd: { realm: "test", path: htpasswd } } }),
  });
}

/** The same with parts of the configuration (distribution's configuration.md). */
export async function startConfiguredRegistry(
  t: Scope,
  directory: string,
  { auth, tls }: { auth?: object; tls?: object },
): Promise<string> {
  const port = await freePort();
  const config = {
    version: "0.1",
    log: { level: "error" },
    storage: { filesystem: { rootdirectory: join(directory, "registry") } },
    http: { addr: `127.0.0.1:${port}`, ...(tls && { tls }) },
    ...(auth && { auth }),
  };
  // JSON is YAML.
  const file = join(directory, `registry-${port}.yml`);
  await writeFile(file, JSON.stringify(config));
  const registry = spawn("docker-registry", ["serve", file], { stdio: "ignore" });
  t.after(async () => {
    if (registry.exitCode !== null || !registry.kill()) return;
    await once(registry, "exit");
  });
  for (let attempt = 0; attempt < 200; attempt++) {
    assert.equal(registry.exitCode, null, "the registry has ended");
    if (await answers(port)) return `127.0.0.1:${port}`;
    await delay(50);
  }
  throw new Error("the registry does not answer");
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true));
    socket.on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}
