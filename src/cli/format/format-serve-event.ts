import type { MachineEvent, ServeEvent } from "../../boot-server/index.js";
import { formatBytes, sanitize } from "../../support/index.js";

/** A line of the log of the server. */
export function formatServeEvent(event: ServeEvent): string {
  switch (event.type) {
    case "listening": {
      const ports = Object.entries(event.ports).map(([name, port]) => `${name} ${port}`);
      return `Serving on ${event.interface}: ${event.url} (${ports.join(", ")})`;
    }
    case "message":
      return event.level === "warning" ? `Warning: ${event.text}` : event.text;
    default:
      return sanitize(`${event.mac ?? clientOf(event)}  ${describeEvent(event)}`);
  }
}

/** What happened to a machine: a phrase that follows its MAC address. */
export function describeEvent(event: MachineEvent): string {
  switch (event.type) {
    case "offered": {
      const kind = [event.architecture, event.firmware].filter(Boolean).join(" ");
      const remark = event.remark === undefined ? "" : ` (${event.remark})`;
      return `asks to boot (${kind || "unknown"}): offered ${event.bootFile}${remark}`;
    }
    case "sent-to-disk":
      return `boots from its disk: ${event.reasons.at(-1)}`;
    case "leased": {
      const name = event.hostname === undefined ? "" : ` (${event.hostname})`;
      const refusal = event.refusal === undefined ? "" : `, but nothing to boot: ${event.refusal}`;
      return `gets the address ${event.address}${name}${refusal}`;
    }
    case "ignored":
      return event.client === undefined
        ? `gets no answer: ${event.reason}`
        : `is refused ${event.reason}`;
    case "waiting":
      return `waits for ${event.name}`;
    case "script":
      return event.release === undefined
        ? `runs iPXE: has nothing to boot. ${event.reasons.at(-1)}`
        : `runs iPXE: boots ${event.release}`;
    case "started":
      return `fetches ${event.name} by ${event.protocol.toUpperCase()}`;
    case "progress": {
      const percent = Math.floor((100 * event.sent) / event.size);
      return `fetches ${event.name}: ${percent} % (${formatBytes(event.rate)}/s)`;
    }
    case "sent": {
      const rate = event.seconds > 0 ? `, ${formatBytes(event.sent / event.seconds)}/s` : "";
      const end = event.isComplete ? "fetched" : "stopped fetching";
      return `${end} ${event.name} by ${event.protocol.toUpperCase()} (${formatBytes(event.sent)}${rate})`;
    }
    case "booted":
      return `fetched all files of ${event.release} in ${event.seconds.toFixed(0)} s`;
    case "stalled":
      return `has been silent for ${event.seconds.toFixed(0)} s; last step: ${event.step}`;
  }
}

function clientOf(event: MachineEvent): string {
  return ("client" in event ? event.client : undefined) ?? "unknown machine";
}
