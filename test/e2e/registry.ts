import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { endOf, freePort, startBound } from "./process.js";

const run = promisify(execFile);
const startDeadlineMs = 15_000;

/** Debian's docker-registry on a loopback port, over plain HTTP. Closing it removes its storage. */
export interface Registry {
  /** `127.0.0.1:PORT`. */
  readonly address: string;
  /** Copies an image of an OCI layout without changing digests, and returns its reference. */
  push(layout: string, layoutTag: string, name: string): Promise<string>;
  close(): Promise<void>;
}

export async function startRegistry(): Promise<Registry> {
  const storage = await mkdtemp(join(tmpdir(), "kairos-netboot-registry-"));
  const address = `127.0.0.1:${await freePort()}`;
  const configFile = join(storage, "config.yml");
  await writeFile(configFile, registryConfig(address, storage));
  const child = startBound("docker-registry", ["serve", configFile], "ignore");
  const close = async () => {
    child.kill();
    await endOf(child);
    await rm(storage, { recursive: true, force: true });
  };
  try {
    await untilAnswering(`http://${address}/v2/`);
  } catch (error) {
    await close();
    throw error;
  }
  return { address, push: (...image) => push(address, ...image), close };
}

function registryConfig(address: string, storage: string): string {
  return `version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: ${JSON.stringify(storage)} } }
http: { addr: ${JSON.stringify(address)} }
`;
}

async function untilAnswering(url: string): Promise<void> {
  const deadline = Date.now() + startDeadlineMs;
  for (;;) {
    try {
      if ((await fetch(url)).ok) return;
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`no registry at ${url}`, { cause: error });
    }
    await sleep(50);
  }
}

async function push(address: string, layout: string, layoutTag: string, name: string) {
  const reference = `${address}/${name}`;
  await run("skopeo", [
    "--insecure-policy",
    "copy",
    "--quiet",
    "--preserve-digests",
    "--dest-tls-verify=false",
    `oci:${layout}:${layoutTag}`,
    `docker://${reference}`,
  ]);
  return reference;
}
