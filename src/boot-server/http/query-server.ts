import { NetbootError } from "../../support/index.js";
import { ipv4Addresses } from "../net/interfaces.js";
import { readServerFile } from "../state/server-file.js";
import { defaultStateDirectory } from "../state/state-directory.js";
import type { MachineReport } from "./machine-status.js";

/** The state directory of the systemd unit that comes with this program. */
const serviceStateDirectory = "/var/lib/kairos-netboot";
const answerTimeoutMs = 5_000;

export interface QueryOptions {
  /** `http://ADDRESS:PORT`; the default is the server on this machine. */
  readonly server?: string | undefined;
  /** The server's state directory. */
  readonly stateDir?: string | undefined;
}

/**
 * Asks a running server what it knows about a machine.
 * @param mac in lower case with colons
 * @throws NetbootError SERVER_UNREACHABLE, USAGE_INVALID
 */
export async function queryServer(mac: string, options: QueryOptions): Promise<MachineReport> {
  const servers = options.server === undefined ? findLocalServers(options) : [options.server];
  let cause: unknown;
  for (const server of servers) {
    const url = reportUrl(server, mac);
    try {
      return await fetchReport(url);
    } catch (error) {
      cause ??= error;
    }
  }
  throw new NetbootError(
    "SERVER_UNREACHABLE",
    `No boot server answers at ${servers.join(", ")}.`,
    "Start one with kairos-netboot serve, or name it: --server http://ADDRESS:8080.",
    { cause },
  );
}

/** The URLs in this machine's state directories, then the default port of all addresses. */
function findLocalServers({ stateDir }: QueryOptions): string[] {
  const directories = [stateDir ?? defaultStateDirectory(), serviceStateDirectory];
  const recorded = directories.flatMap((directory) => readServerFile(directory)?.url ?? []);
  const usual = ipv4Addresses().map(({ address }) => `http://${address}:8080`);
  return [...new Set([...recorded, ...usual])];
}

function reportUrl(server: string, mac: string): URL {
  if (/^https?:\/\//.test(server) && URL.canParse(server)) {
    return new URL(`/api/machines/${mac}`, server);
  }
  throw new NetbootError(
    "USAGE_INVALID",
    `--server ${server} is not a URL.`,
    "Write http://ADDRESS:8080, as serve prints it.",
  );
}

async function fetchReport(url: URL): Promise<MachineReport> {
  const signal = AbortSignal.timeout(answerTimeoutMs);
  const answer = await fetch(url, { signal, redirect: "error" });
  const report = (await answer.json()) as MachineReport;
  if (answer.ok && report.decision !== undefined) return report;
  throw new TypeError(`${url} is not a boot server (status ${answer.status})`);
}
