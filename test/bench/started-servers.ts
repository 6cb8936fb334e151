import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { endOf, startBound } from "../e2e/process.js";
import { checkout } from "../support/checkout.js";
import { otherAddress, ownAddress } from "./network-namespace.js";

const httpPort = 8080;

export interface ServedFiles {
  readonly kernel: string;
  readonly initrd: string;
  readonly squashfs: string;
}

/** A running server program. */
export class StartedServer {
  readonly #process: ChildProcess;

  constructor(process: ChildProcess) {
    this.#process = process;
  }

  /** Resident memory in bytes: the peak (VmHWM) or the current amount (VmRSS). */
  memory(field: "VmHWM" | "VmRSS"): number {
    const status = readFileSync(`/proc/${this.#process.pid}/status`, "latin1");
    return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024;
  }

  async stop(): Promise<void> {
    this.#process.kill();
    await endOf(this.#process);
  }
}

/** Starts `kairos-netboot serve` as built. */
export async function startServe(files: ServedFiles, programs: string): Promise<StartedServer> {
  const { kernel, initrd, squashfs } = files;
  const release = ["--kernel", kernel, "--initrd", initrd, "--squashfs", squashfs];
  const addresses = [
    "--listen",
    ownAddress,
    "--http-port",
    String(httpPort),
    "--ipxe-dir",
    programs,
  ];
  const program = join(checkout, "bin/kairos-netboot.js");
  return start(process.execPath, [program, "serve", ...release, ...addresses], ownAddress);
}

/** Starts nginx with the settings that its manual recommends for large files. */
export async function startNginx(root: string, work: string): Promise<StartedServer> {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${work}/nginx-${name};`)
    .join(" ");
  const configuration = join(work, "nginx.conf");
  writeFileSync(
    configuration,
    `user root; daemon off; worker_processes auto; pid ${work}/nginx.pid; error_log ${work}/nginx.log;
events {}
http { access_log off; sendfile on; tcp_nopush on; ${temporary}
  server { listen ${otherAddress}:${httpPort}; root ${root}; } }\n`,
  );
  return start("nginx", ["-c", configuration, "-e", `${work}/nginx.log`], otherAddress);
}

export async function startDnsmasq(root: string): Promise<StartedServer> {
  const options = ["--no-daemon", "--conf-file=/dev/null", "--port=0", "--bind-interfaces"];
  options.push(`--listen-address=${otherAddress}`, "--enable-tftp", `--tftp-root=${root}`);
  options.push("--tftp-max=200");
  return start("dnsmasq", options);
}

async function start(
  program: string,
  options: readonly string[],
  address?: string,
): Promise<StartedServer> {
  const child = startBound(program, options, ["ignore", "ignore", "ignore"]);
  // A server without TCP cannot be probed.
  if (address === undefined) await sleep(500);
  while (address !== undefined && !(await isListening(address))) {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`);
    await sleep(20);
  }
  return new StartedServer(child);
}

async function isListening(address: string): Promise<boolean> {
  const socket = connect(httpPort, address);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
