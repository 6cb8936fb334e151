import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { endOf, startBound } from "./process.js";

/** The address under which QEMU's user network shows the host's loopback to the guest. */
export const hostSeenFromGuest = "10.0.2.2";

const beginMarker = "KAIROS-NETBOOT-E2E BEGIN";
const endMarker = "KAIROS-NETBOOT-E2E END";
const powerOffDeadlineMs = 120_000;
const tailLines = 60;

export interface Boot {
  /** Options of QEMU that say from where it boots. */
  qemu: readonly string[];
  /** Words before the command, such as those that lead into a network namespace. */
  within?: readonly string[];
  /** Where the console's output is kept, line by line, each with the seconds since power-on. */
  consoleLog: string;
  deadlineMs: number;
  /** Ends the machine early, when this is true; the report is then without facts. */
  until?(output: string): boolean;
}

export interface Report {
  /** What the booted system told of itself: see image/report.sh. */
  facts: ReadonlyMap<string, string>;
  /** From power-on to the report, or the early end. */
  seconds: number;
  poweredOff: boolean;
}

/**
 * Boots a virtual machine and returns what it reported. The processor is emulated,
 * on purpose: hardware virtualization is neither everywhere nor dependable where it is nested.
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
  // A second one emulated beside it makes it slower, where two machines boot on two cores.
  ["-smp", "1"],
  ["-m", "2048"],
  ["-display", "none"],
  ["-monitor", "none"],
  ["-serial", "stdio"],
  ["-no-reboot"],
].flat();

/** Boots a kernel without firmware, on a network that shows it the host's loopback. */
export function directBoot(kernel: string, initrd: string, commandLine: string): string[] {
  return [
    ...["-nic", "user,model=virtio-net-pci"],
    ...["-kernel", kernel, "-initrd", initrd, "-append", commandLine],
  ];
}

/** Settles when the condition holds. */
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
