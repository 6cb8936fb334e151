import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { endOf, startBound } from "./process.js";

/** The address under which QEMU's user network shows the host's loopback to the guest. */
export const HOST_SEEN_FROM_GUEST = "10.0.2.2";

const BEGIN = "KAIROS-NETBOOT-E2E BEGIN";
const END = "KAIROS-NETBOOT-E2E END";
const POWER_OFF_DEADLINE_MS = 120_000;
const TAIL_LINES = 60;

export interface Boot {
  kernel: string;
  initrd: string;
  commandLine: string;
  /** Where the console's output is kept, line by line, each with the seconds since power-on. */
  consoleLog: string;
  deadlineMs: number;
}

export interface Report {
  /** What the booted system told of itself: see image/report.sh. */
  facts: ReadonlyMap<string, string>;
  /** From power-on to the report. */
  seconds: number;
  poweredOff: boolean;
}

/**
 * Boots a virtual machine without a disk and returns what it reported. The processor is emulated,
 * on purpose: hardware virtualization is neither everywhere nor dependable where it is nested.
 */
export async function boot(options: Boot): Promise<Report> {
  const started = Date.now();
  const machine = startBound("qemu-system-x86_64", qemuOptions(options), [
    "ignore",
    "pipe",
    "inherit",
  ]);
  let output = "";
  const log: string[] = [];
  const reported = new Promise<void>((resolve) => {
    machine.stdout?.setEncoding("latin1").on("data", (text: string) => {
      const lineStart = output.lastIndexOf("\n") + 1;
      output += text.replaceAll("\r", "");
      const lines = output.slice(lineStart).split("\n").slice(0, -1);
      const seconds = ((Date.now() - started) / 1000).toFixed(1).padStart(6);
      log.push(...lines.map((line) => `${seconds} ${line}`));
      if (output.includes(END)) resolve();
    });
  });
  const deadline = new AbortController();
  try {
    await Promise.race([
      reported,
      once(machine, "close"),
      sleep(options.deadlineMs, undefined, { signal: deadline.signal }),
    ]);
    const seconds = (Date.now() - started) / 1000;
    if (!output.includes(END)) throw new Error(noReport(output, seconds));
    const poweredOff = await Promise.race([
      endOf(machine).then(() => true),
      sleep(POWER_OFF_DEADLINE_MS, false, { signal: deadline.signal }),
    ]);
    return { facts: factsIn(output), seconds, poweredOff };
  } finally {
    deadline.abort();
    machine.kill("SIGKILL");
    await endOf(machine);
    await writeFile(options.consoleLog, `${log.join("\n")}\n`, "latin1");
  }
}

function qemuOptions({ kernel, initrd, commandLine }: Boot): string[] {
  return [
    ["-accel", "tcg,thread=multi"],
    ["-cpu", "max"],
    ["-smp", "2"],
    ["-m", "2048"],
    ["-display", "none"],
    ["-monitor", "none"],
    ["-serial", "stdio"],
    ["-no-reboot"],
    ["-nic", "user,model=virtio-net-pci"],
    ["-kernel", kernel],
    ["-initrd", initrd],
    ["-append", commandLine],
  ].flat();
}

function factsIn(output: string): Map<string, string> {
  const report = output.slice(output.indexOf(BEGIN) + BEGIN.length, output.indexOf(END));
  const lines = report.trim().split("\n");
  return new Map(lines.map((line) => [line.split("=", 1)[0]!, line.replace(/^[^=]*=/, "")]));
}

function noReport(output: string, seconds: number): string {
  const tail = output.trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
  return `the machine had not reported after ${Math.round(seconds)} s; its console ended with:\n${tail}`;
}
