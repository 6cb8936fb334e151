import { createHash } from "node:crypto";
import { formatAge, formatBytes, sanitize } from "../../support/index.js";
import type { MachineStatus, StepStatus } from "./machine-status.js";

/** Fetches the page again and replaces the content. */
const script = `
  const parser = new DOMParser();
  setInterval(async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(location.pathname, { cache: "no-store" });
      const page = parser.parseFromString(await answer.text(), "text/html");
      document.querySelector("main").replaceWith(page.querySelector("main"));
      document.body.classList.remove("lost");
    } catch {
      document.body.classList.add("lost");
    }
  }, 1000);
`;

const style = `
  :root { color-scheme: light dark; --dim: color-mix(in srgb, currentColor 60%, transparent);
    --line: color-mix(in srgb, currentColor 15%, transparent); --good: #2a9d4a; --bad: #d1453b; --busy: #2f7fd6; }
  * { box-sizing: border-box; }
  body { font: 16px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 70rem; padding: 1rem; }
  h1 { font-size: 1.25rem; margin: 0 0 .25rem; }
  .sum, .dim { color: var(--dim); }
  .lost::before { content: "The server does not answer."; display: block; padding: .5rem 1rem; margin-bottom: 1rem;
    background: var(--bad); color: white; border-radius: .5rem; }
  article { border: 1px solid var(--line); border-left: .35rem solid var(--dim); border-radius: .5rem;
    padding: .75rem 1rem; margin-top: .75rem; }
  article.booting, article.asking { border-left-color: var(--busy); }
  article.booted { border-left-color: var(--good); }
  article.stalled, article.refused { border-left-color: var(--bad); }
  header { display: flex; flex-wrap: wrap; gap: .1rem 1rem; align-items: baseline; }
  h2 { font: 600 1rem/1.4 ui-monospace, monospace; margin: 0; }
  .state { font-weight: 600; }
  ol { list-style: none; display: flex; flex-wrap: wrap; gap: .35rem; padding: 0; margin: .5rem 0 0; }
  li { border: 1px solid var(--line); border-radius: 1rem; padding: 0 .7rem; font-size: .85rem; overflow-wrap: anywhere; }
  li.whole { background: color-mix(in srgb, var(--good) 18%, transparent); }
  li.busy { background: color-mix(in srgb, var(--busy) 18%, transparent); }
  progress { width: 100%; height: .5rem; accent-color: var(--busy); margin-top: .5rem; }
  p { margin: .25rem 0 0; overflow-wrap: anywhere; }
`;

/** Only the script in the page itself may run, and only this server may be contacted. */
export const statusHeaders = {
  "Content-Security-Policy": [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
};

const stateTexts: Readonly<Record<string, string>> = {
  seen: "is on the network",
  asking: "asks to be booted",
  booting: "is booting",
  booted: "has booted",
  stalled: "has stalled",
  disk: "boots from its disk",
  refused: "is refused",
};

/** The page that people watch while machines boot. It also works without its script. */
export function statusHtml(machines: readonly MachineStatus[], now: Date): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<noscript><meta http-equiv="refresh" content="3"></noscript>
<title>kairos-netboot</title>
<style>${style}</style>
</head>
<body>
<h1>kairos-netboot</h1>
<main>
<div class="sum">${summary(machines)}</div>
${machines.map((machine) => card(machine, now)).join("\n")}
</main>
<script>${script}</script>
</body>
</html>
`;
}

function summary(machines: readonly MachineStatus[]): string {
  if (machines.length === 0) return "No machine has asked yet.";
  const counts = new Map<string, number>();
  for (const { state } of machines) counts.set(state, (counts.get(state) ?? 0) + 1);
  const parts = [...counts].map(([state, count]) => `${count} ${state}`);
  return `${machines.length} machine${machines.length === 1 ? "" : "s"}: ${parts.join(", ")}`;
}

function card(machine: MachineStatus, now: Date): string {
  const { mac, hostname, ip, architecture, state, release, reasons, steps, lastSeenAt } = machine;
  const about = [hostname, ip, architecture, release].filter((text) => text !== undefined);
  const hasReasons = ["refused", "disk", "stalled"].includes(state);
  return `<article class="${escaped(state)}">
<header><h2>${escaped(mac)}</h2><span class="state">${escaped(stateTexts[state] ?? state)}</span>
<span class="dim">${formatAge(now.getTime() - Date.parse(lastSeenAt))}</span></header>
${about.length > 0 ? `<p class="dim">${about.map(escaped).join(" · ")}</p>` : ""}
${steps.length > 0 ? `<ol>${steps.map(stepItem).join("")}</ol>` : ""}${steps.filter(isInProgress).map(progressBar).join("")}
${hasReasons ? reasons.map((reason) => `<p>${escaped(reason)}</p>`).join("") : ""}</article>`;
}

function stepItem(step: StepStatus): string {
  const { step: name, isComplete, percent, rate, text } = step;
  const detail = isInProgress(step) ? ` ${percent} %${rate ? `, ${formatBytes(rate)}/s` : ""}` : "";
  const state = isComplete === false ? "busy" : "whole";
  return `<li class="${state}" title="${escaped(text)}">${escaped(name)}${detail}</li>`;
}

function isInProgress({ isComplete, percent }: StepStatus): boolean {
  return isComplete === false && percent !== undefined;
}

function progressBar({ step, percent }: StepStatus): string {
  return `<progress max="100" value="${percent}" aria-label="${escaped(step)}"></progress>`;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Machines can report any text. */
function escaped(text: string): string {
  return sanitize(text).replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
