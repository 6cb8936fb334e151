import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { programPath } from "./installed-program.js";
import type { Lan } from "./lan.js";
import { endOf, startBound } from "./process.js";

const run = promisify(execFile);

/** An event: one line of `serve --json`. */
interface Event {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** A running `serve`. */
export interface Server {
  readonly events: readonly Event[];
  /** The events in short form. */
  readonly steps: readonly string[];
  /** The answer of `/api/machines/MAC`. */
  machine(mac: string): Promise<MachineAnswer>;
  stop(): Promise<void>;
}

export interface MachineAnswer {
  readonly state: string;
  readonly reasons: readonly string[];
  readonly decision: { readonly kind: string; readonly reasons: readonly string[] };
}

/**
 * Starts `serve` in the boot server's namespace.
 * @param directory working directory, which also holds the state directory
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

/** Asserts that these steps occurred in this order, possibly with others between them. */
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
