import type { MachineReport, machineFacts } from "../../boot-server/index.js";
import { sanitize } from "../../support/index.js";
import { describeEvent } from "./format-serve-event.js";

const states: Readonly<Record<string, string>> = {
  seen: "is on the network, and did not ask to be booted",
  asking: "asked to be booted, was offered a boot program, and did not fetch the script yet",
  booting: "is booting",
  booted: "fetched all that it needs to boot",
  stalled: "stopped in the middle of booting",
  disk: "was sent to its disk",
  refused: "got nothing",
};

/** For a machine that the server never heard of. */
const possibleReasons = [
  "It is off, or not set to boot from the network.",
  "It is in another network or VLAN: its questions are broadcasts, which need a DHCP relay there.",
  "It tries IPv6 first, or another network card than the one of this address.",
  "Its switch port is not forwarding yet when it asks (spanning tree: use an edge port).",
  "A firewall on the server drops UDP ports 67, 69 and 4011, or TCP port 8080.",
];

const secureBoot =
  "It fetched iPXE and was not heard of from there: where Secure Boot is on, firmware refuses to run it.";

/**
 * Explains what a server knows about a machine.
 * @param facts the table of machine facts, which the caller loads together with the boot server
 * @returns lines
 */
export function explanation(
  report: MachineReport,
  facts: typeof machineFacts,
  now: Date,
): string[] {
  const about = whatItIs(report, facts, now);
  return [...about, "", ...whatItWouldGet(report), "", ...story(report)].map(sanitize);
}

function whatItIs(report: MachineReport, facts: typeof machineFacts, now: Date): string[] {
  const { mac } = report;
  const known = (Object.keys(facts) as (keyof typeof facts)[])
    .filter((fact) => fact !== "mac" && report[fact] !== undefined)
    .map((fact) => `  ${facts[fact].label}: ${report[fact]}`);
  if (!("lastSeenAt" in report)) {
    return [`${mac} was not heard of since the server started.`, ...known];
  }
  const seconds = (now.getTime() - Date.parse(report.lastSeenAt)) / 1000;
  const state = states[report.state] ?? report.state;
  const head = `${mac} ${state}; it was last heard of ${agoOf(seconds)}.`;
  return [head, ...known, ...(isStuckAtProgram(report) ? ["", secureBoot] : [])];
}

/** It has iPXE, and does not run it. */
function isStuckAtProgram({ state, events }: MachineReport): boolean {
  const isSent = events.some((it) => it.type === "sent" && it.role === "boot-program");
  return isSent && ["asking", "stalled"].includes(state);
}

function whatItWouldGet({ decision, architecture, state }: MachineReport): string[] {
  const { kind, release, reasons } = decision;
  const why = reasons.filter((reason) => reason !== "").map((reason) => `  ${reason}`);
  switch (kind) {
    case "netboot":
      return [`If it asked now, it would boot ${release}:`, ...why];
    case "api":
      return ["If it asked now, another program would decide:", ...why];
    case "local":
      return ["If it asked now, it would be sent to its disk:", ...why];
    case "deny":
      return ["If it asked now, it would get nothing:", ...why];
    case "unsettled":
      return ["If it asked now, it would get iPXE, and what follows when that says more:", ...why];
    case "unfit":
      return architecture === undefined && state === "unheard-of"
        ? ["If it asked now, it would get the release for its architecture, if there is one."]
        : ["If it asked now, there would be nothing that fits it:", ...why];
  }
}

function story({ events }: MachineReport): string[] {
  if (events.length === 0) {
    return ["Why it may not have been heard of:", ...possibleReasons.map((it) => `  ${it}`)];
  }
  const last = events.map((event) => `  ${timeOf(event.time)}  ${describeEvent(event)}`);
  return ["What happened last:", ...last];
}

/** Of ISO 8601, what a person needs: `2026-01-02 03:04:05Z`. */
function timeOf(time: string): string {
  return time.replace("T", " ").replace(/\.\d+Z$/, "Z");
}

function agoOf(seconds: number): string {
  if (seconds < 120) return `${Math.max(0, Math.round(seconds))} s ago`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} minutes ago` : `${Math.round(minutes / 60)} hours ago`;
}
