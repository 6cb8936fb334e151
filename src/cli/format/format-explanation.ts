import type { MachineReport, machineFacts } from "../../boot-server/index.js";
import { formatAge, sanitize } from "../../support/index.js";
import { describeEvent } from "./format-serve-event.js";

const states: Readonly<Record<string, string>> = {
  seen: "is on the network, but has not asked to boot",
  asking: "asked to boot and was offered a boot program, but has not fetched its script yet",
  booting: "is booting",
  booted: "fetched everything that it needs to boot",
  stalled: "stopped while it was booting",
  disk: "boots from its disk",
  refused: "was refused",
};

/** For a machine that has sent nothing to the server. */
const possibleReasons = [
  "It is off, or its firmware is not set to boot from the network.",
  "It is on another network or VLAN, which needs a DHCP relay to forward its broadcasts.",
  "It tries IPv6 first, or boots from a network card with another address.",
  "Its switch port is not forwarding yet when it asks (spanning tree: use an edge port).",
  "A firewall on the server blocks UDP port 67, 69, or 4011, or TCP port 8080.",
];

const secureBoot =
  "It fetched iPXE and has been silent since then. With Secure Boot on, the firmware refuses to run iPXE.";

/**
 * Explains what a server knows about a machine.
 * @param facts the table of machine facts, which the caller loads together with the boot server
 * @returns lines
 */
export function formatExplanation(
  report: MachineReport,
  facts: typeof machineFacts,
  now: Date,
): string[] {
  const about = describeMachine(report, facts, now);
  return [...about, "", ...describeDecision(report), "", ...describeEvents(report)].map(sanitize);
}

function describeMachine(report: MachineReport, facts: typeof machineFacts, now: Date): string[] {
  const { mac } = report;
  const known = (Object.keys(facts) as (keyof typeof facts)[])
    .filter((fact) => fact !== "mac" && report[fact] !== undefined)
    .map((fact) => `  ${facts[fact].label}: ${report[fact]}`);
  if (!("lastSeenAt" in report)) {
    return [`${mac} has not contacted the server since the server started.`, ...known];
  }
  const ageMs = now.getTime() - Date.parse(report.lastSeenAt);
  const state = states[report.state] ?? report.state;
  const head = `${mac} ${state}; last contact ${formatAge(ageMs)}.`;
  return [head, ...known, ...(isStuckAtProgram(report) ? ["", secureBoot] : [])];
}

/** True if the machine has fetched iPXE but does not run it. */
function isStuckAtProgram({ state, events }: MachineReport): boolean {
  const isSent = events.some((it) => it.type === "sent" && it.role === "boot-program");
  return isSent && ["asking", "stalled"].includes(state);
}

function describeDecision({ decision, architecture, state }: MachineReport): string[] {
  const { kind, release, reasons } = decision;
  const why = reasons.filter((reason) => reason !== "").map((reason) => `  ${reason}`);
  switch (kind) {
    case "netboot":
      return [`If it asked now, it would boot ${release}:`, ...why];
    case "api":
      return ["If it asked now, another program would decide:", ...why];
    case "local":
      return ["If it asked now, it would boot from its disk:", ...why];
    case "deny":
      return ["If it asked now, it would get nothing:", ...why];
    case "unsettled":
      return [
        "If it asked now, it would get iPXE, which then tells the server more about it:",
        ...why,
      ];
    case "unfit":
      return architecture === undefined && state === "unheard-of"
        ? ["If it asked now, it would get the release for its architecture, if there is one."]
        : ["If it asked now, no release would fit it:", ...why];
  }
}

function describeEvents({ events }: MachineReport): string[] {
  if (events.length === 0) {
    return ["Possible reasons:", ...possibleReasons.map((it) => `  ${it}`)];
  }
  const last = events.map((event) => `  ${formatTime(event.time)}  ${describeEvent(event)}`);
  return ["Latest events:", ...last];
}

/** A time in ISO 8601 as people read it: `2026-01-02 03:04:05Z`. */
function formatTime(time: string): string {
  return time.replace("T", " ").replace(/\.\d+Z$/, "Z");
}
