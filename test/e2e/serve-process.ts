import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { Lan } from "./lan.js";
import { endOf, startBound } from "./process.js";
import { programPath } from "./program.js";

const run = promisify(execFile);

/** What `serve --json` prints; each line is one event. */
export interface Event {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** A running `serve`. */
export interface Server {
  readonly events: readonly Event[];
  /** The events in few words. */
  readonly steps: readonly string[];
  /** What `/api/machines/MAC` says. */
  machine(mac: string): Promise<MachineAnswer>;
  stop(): Promise<void>;
}

export interface MachineAnswer {
  readonly state: string;
  readonly reasons: readonly string[];
  readonly decision: { readonly kind: string; readonly reasons: readonly string[] };
}

/**
 * Starts it where the boot server is.
 * @param directory where it runs; it remembers below it who booted
 */
export async function startServer(
  lan: Lan,
  directory: string,
  options: readonly string[],
): Promise<Server> {
  const words = [
    process.execPath,
    programPath,
    "serve",
    "--json",
    "--state-dir",
    "state",
    ...options,
  ];
  const [program, ...rest] = [...lan.asBootServer, ...words];
  const child = startBound(program!, rest, ["ignore", "pipe", "inherit"], directory);
  const events: Event[] = [];
  let output = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    const lines = `${output}${text}`.split("\n");
    output = lines.pop()!;
    for (const line of lines) events.push(JSON.parse(line) as Event);
  });
  while (events.filter(({ type }) => type === "listening").length < lan.networks.length) {
    assert.equal(child.exitCode, null, "the server ended");
    await sleep(50);
  }
  return {
    events,
    get steps() {
      return events.map(stepOf);
    },
    machine: async (mac) => {
      const address = `http://${lan.networks[0].bootServer}:8080/api/machines/${mac}`;
      const [curl, ...words] = [...lan.asBootServer, "curl", "--silent", "--fail", address];
      return JSON.parse((await run(curl!, words)).stdout) as MachineAnswer;
    },
    stop: async () => {
      child.kill("SIGTERM");
      await endOf(child);
    },
  };
}

/** Holds that steps were made in this order, whatever came between them. */
export function assertSteps(actual: readonly string[], wanted: readonly (string | RegExp)[]): void {
  let at = 0;
  for (const step of wanted) {
    const found = actual
      .slice(at)
      .findIndex((it) => (typeof step === "string" ? it === step : step.test(it)));
    assert.notEqual(found, -1, `${step} is missing in\n${actual.join("\n")}`);
    at += found + 1;
  }
}

function stepOf(event: Event): string {
  const { type, bootFile, release, name, protocol } = event;
  if (type === "sent") return `sent ${name} by ${protocol}`;
  return [type, bootFile ?? release].filter(Boolean).join(" ");
}
