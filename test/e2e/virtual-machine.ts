import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { endOf, startBound } from "./process.js";

/** The guest reaches the host's loopback under this address of QEMU's user network. */
export const hostSeenFromGuest = "10.0.2.2";

const beginMarker = "KAIROS-NETBOOT-E2E BEGIN";
const endMarker = "KAIROS-NETBOOT-E2E END";
const powerOffDeadlineMs = 120_000;
const tailLines = 60;

export interface Boot {
  /** QEMU options for the boot source. */
  qemu: readonly string[];
  /** Words before the command, for example to enter a network namespace. */
  within?: readonly string[];
  /** File for the console's output; each line begins with the seconds since power-on. */
  consoleLog: string;
  deadlineMs: number;
  /** Ends the machine early as soon as it returns true; the report then has no facts. */
  until?(output: string): boolean;
}

export interface Report {
  /** Facts that the booted system reported: see image/report.sh. */
  facts: ReadonlyMap<string, string>;
  /** Seconds from power-on to the report or the early end. */
  seconds: number;
  poweredOff: boolean;
}

/**
 * Boots a virtual machine and returns its report. The processor is emulated
 * on purpose: hardware virtualization is not available everywhere, and not reliable if it is nested.
 */
export async function boot(options: Boot): Promise<Report> {
  const started = Date.now();
  const command = [...(options.within ?? []), "qemu-system-x86_64", ...hardware, ...options.qemu];
  const machine = startBound(command[0]!, command.slice(1), ["ignore", "pipe", "inherit"]);
  let output = "";
  const log: string[] = [];
  const reported = new Promise<void>((resolve) => {
    machine.stdout?.setEncoding("latin1").on("data", (text: string) => {
      const lineStart = output.lastIndexOf("\n") + 1;
      output += text.replaceAll("\r", "");
      const lines = output.slice(lineStart).split("\n").slice(0, -1);
      const seconds = ((Date.now() - started) / 1000).toFixed(1).padStart(6);
      log.push(...lines.map((line) => `${seconds} ${line}`));
      if (output.includes(endMarker)) resolve();
    });
  });
  const isEnough = () => options.until?.(output) ?? false;
  const deadline = new AbortController();
  try {
    await Promise.race([
      reported,
      once(machine, "close"),
      comesTrue(isEnough, deadline.signal),
      sleep(options.deadlineMs, undefined, { signal: deadline.signal }),
    ]);
    const seconds = (Date.now() - started) / 1000;
    if (isEnough()) return { facts: new Map(), seconds, poweredOff: false };
    if (!output.includes(endMarker)) throw new Error(noReport(output, seconds));
    const poweredOff = await Promise.race([
      endOf(machine).then(() => true),
      sleep(powerOffDeadlineMs, false, { signal: deadline.signal }),
    ]);
    return { facts: factsIn(output), seconds, poweredOff };
  } finally {
    deadline.abort();
    machine.kill("SIGKILL");
    await endOf(machine);
    await writeFile(options.consoleLog, `${log.join("\n")}\n`, "latin1");
  }
}

const hardware = [
  ["-accel", "tcg"],
  ["-cpu", "max"],
  // A second emulated processor makes the machine slower while two machines boot on two cores.
  ["-smp", "1"],
  ["-m", "2048"],
  ["-display", "none"],
  ["-monitor", "none"],
  ["-serial", "stdio"],
  ["-no-reboot"],
].flat();

/** Boots a kernel without firmware, on a network from which it reaches the host's loopback. */
export function directBoot(kernel: string, initrd: string, commandLine: string): string[] {
  return [
    ...["-nic", "user,model=virtio-net-pci"],
    ...["-kernel", kernel, "-initrd", initrd, "-append", commandLine],
  ];
}

/** Resolves when the condition is true. */
async function comesTrue(condition: () => boolean, end: AbortSignal): Promise<void> {
  while (!condition() && !end.aborted) await sleep(200);
}

function factsIn(output: string): Map<string, string> {
  const report = output.slice(
    output.indexOf(beginMarker) + beginMarker.length,
    output.indexOf(endMarker),
  );
  const lines = report.trim().split("\n");
  return new Map(lines.map((line) => [line.split("=", 1)[0]!, line.replace(/^[^=]*=/, "")]));
}

function noReport(output: string, seconds: number): string {
  const tail = output.trimEnd().split("\n").slice(-tailLines).join("\n");
  return `the machine had not reported after ${Math.round(seconds)} s; its console ended with:\n${tail}`;
}
