import type { MachineEvent, ServeEvent } from "../../boot-server/index.js";
import { formatBytes, sanitize } from "../../support/index.js";

/** One line of the log that a person watches while machines boot. */
export function serveLine(event: ServeEvent): string {
  switch (event.type) {
    case "listening": {
      const ports = Object.entries(event.ports).map(([name, port]) => `${name} ${port}`);
      return `Serving on ${event.interface}: ${event.url} (${ports.join(", ")})`;
    }
    case "message":
      return event.level === "warning" ? `Warning: ${event.text}` : event.text;
    default:
      return sanitize(`${event.mac ?? clientOf(event)}  ${whatHappened(event)}`);
  }
}

/** What happened to a machine, in the words that follow its name. */
export function whatHappened(event: MachineEvent): string {
  switch (event.type) {
    case "offered": {
      const kind = [event.architecture, event.firmware].filter(Boolean).join(" ");
      return `asks to be booted (${kind || "unknown"}): offered ${event.bootFile}`;
    }
    case "sent-to-disk":
      return `is sent to its disk: ${event.reasons.at(-1)}`;
    case "leased": {
      const name = event.hostname === undefined ? "" : ` (${event.hostname})`;
      const refusal = event.refusal === undefined ? "" : `, and nothing to boot: ${event.refusal}`;
      return `gets the address ${event.address}${name}${refusal}`;
    }
    case "ignored":
      return event.client === undefined
        ? `gets no answer: ${event.reason}`
        : `is refused ${event.reason}`;
    case "waiting":
      return `has to wait for ${event.name}`;
    case "script":
      return event.release === undefined
        ? `runs iPXE: nothing for it. ${event.reasons.at(-1)}`
        : `runs iPXE: boots ${event.release}`;
    case "started":
      return `fetches ${event.name} by ${event.protocol.toUpperCase()}`;
    case "progress": {
      const percent = Math.floor((100 * event.sent) / event.size);
      return `fetches ${event.name}: ${percent} % (${formatBytes(event.rate)}/s)`;
    }
    case "sent": {
      const rate = event.seconds > 0 ? `, ${formatBytes(event.sent / event.seconds)}/s` : "";
      const end = event.isComplete ? "fetched" : "broke off";
      return `${end} ${event.name} by ${event.protocol.toUpperCase()} (${formatBytes(event.sent)}${rate})`;
    }
    case "booted":
      return `has all it needs of ${event.release}, after ${event.seconds.toFixed(0)} s`;
    case "stalled":
      return `has not been heard from for ${event.seconds.toFixed(0)} s; the last was: ${event.step}`;
  }
}

function clientOf(event: MachineEvent): string {
  return ("client" in event ? event.client : undefined) ?? "somebody";
}
