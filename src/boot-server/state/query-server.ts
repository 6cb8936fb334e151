import { NetbootError } from "../../support/index.js";
import type { MachineReport } from "../http/machine-status.js";
import { ipv4Addresses } from "../net/interfaces.js";
import { readServerFile } from "./server-file.js";
import { defaultStateDirectory } from "./state-directory.js";

/** Where the unit that comes with this program keeps its state. */
const serviceState = "/var/lib/kairos-netboot";
/** Milliseconds that a server has for its answer. */
const patience = 5_000;

export interface QueryOptions {
  /** `http://ADDRESS:PORT`; looked for on this machine if left out. */
  readonly server?: string | undefined;
  /** That of the server. */
  readonly stateDir?: string | undefined;
}

/**
 * Asks a server that runs what it knows of a machine.
 * @param mac in lower case with colons
 * @throws NetbootError SERVER_UNREACHABLE, USAGE_INVALID
 */
export async function queryServer(mac: string, options: QueryOptions): Promise<MachineReport> {
  const places = options.server === undefined ? placesHere(options) : [options.server];
  let cause: unknown;
  for (const place of places) {
    const url = addressOf(place, mac);
    try {
      return await ask(url);
    } catch (error) {
      cause ??= error;
    }
  }
  throw new NetbootError(
    "SERVER_UNREACHABLE",
    `No boot server answers at ${places.join(", ")}.`,
    "Start one with kairos-netboot serve, or say where it is: --server http://ADDRESS:8080.",
    { cause },
  );
}

/** What servers on this machine wrote down, then the addresses that they use by themselves. */
function placesHere({ stateDir }: QueryOptions): string[] {
  const states = [stateDir ?? defaultStateDirectory(), serviceState];
  const written = states.flatMap((state) => readServerFile(state)?.url ?? []);
  const own = ipv4Addresses().map(({ address }) => `http://${address}:8080`);
  return [...new Set([...written, ...own])];
}

function addressOf(server: string, mac: string): URL {
  if (/^https?:\/\//.test(server) && URL.canParse(server)) {
    return new URL(`/api/machines/${mac}`, server);
  }
  throw new NetbootError(
    "USAGE_INVALID",
    `--server ${server} is no address.`,
    "Write http://ADDRESS:8080, as serve prints it.",
  );
}

async function ask(url: URL): Promise<MachineReport> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(patience), redirect: "error" });
  const report = (await answer.json()) as MachineReport;
  if (answer.ok && report.decision !== undefined) return report;
  throw new TypeError(`${url} is no boot server: status ${answer.status}`);
}
