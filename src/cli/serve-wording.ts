import type { ServeEvent } from "../boot-server/index.js";
import { formatBytes, printable } from "../support/index.js";

/** One line of the log that a person watches while machines boot. */
export function serveLine(event: ServeEvent): string {
  switch (event.type) {
    case "listening": {
      const ports = Object.entries(event.ports).map(([name, port]) => `${name} ${port}`);
      return `Serving on ${event.interface}: ${event.url} (${ports.join(", ")})`;
    }
    case "message":
      return `Warning: ${event.text}`;
    case "offered": {
      const kind = [event.architecture, event.firmware].filter(Boolean).join(" ");
      return `${event.mac}  asks to be booted (${kind || "unknown"}): offered ${event.bootFile}`;
    }
    case "leased": {
      const name = event.hostname === undefined ? "" : ` (${event.hostname})`;
      const refusal = event.refusal === undefined ? "" : `, and nothing to boot: ${event.refusal}`;
      return printable(`${event.mac}  gets the address ${event.address}${name}${refusal}`);
    }
    case "ignored":
      return printable(`${event.mac ?? "somebody"}  gets no answer: ${event.reason}`);
    case "script":
      return printable(
        `${event.mac ?? "a machine"}  runs iPXE: ${event.release === undefined ? "nothing for it" : `boots ${event.release}`}`,
      );
    case "sent": {
      const who = event.mac ?? event.client;
      const rate = event.seconds > 0 ? `, ${formatBytes(event.size / event.seconds)}/s` : "";
      const end = event.isComplete ? `fetched ${event.name}` : `broke off ${event.name}`;
      return printable(
        `${who}  ${end} by ${event.protocol.toUpperCase()} (${formatBytes(event.size)}${rate})`,
      );
    }
  }
}
