/**
 * Serves like `kairos-netboot serve`, but waits only briefly for other DHCP servers. Takes the same
 * options as the command: `serve-in-lan.js DIRECTORY --dhcp-range …`.
 */
import { serve } from "../../../src/boot-server/index.js";
import { formatServeEvent } from "../../../src/cli/format/format-serve-event.js";
import { NetbootError } from "../../../src/support/index.js";

const lists = ["listen", "dhcpDns"];
const flags = ["forceDhcp"];

/** The options by the names of the library: `--dhcp-range A-B` is `dhcpRange`. */
function parseOptions(words: readonly string[]): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (let index = 0; index < words.length; index += 1) {
    const name = words[index]?.slice(2).replace(/-(.)/g, (_, letter) => letter.toUpperCase()) ?? "";
    if (flags.includes(name)) {
      options[name] = true;
      continue;
    }
    index += 1;
    const value = words[index];
    options[name] = lists.includes(name) ? [...((options[name] as string[]) ?? []), value] : value;
  }
  return options;
}

const [directory = "", ...words] = process.argv.slice(2);
const stopping = new AbortController();
process.once("SIGTERM", () => stopping.abort());
try {
  await serve({
    directories: [directory],
    dhcpDiscoveryTimeoutMs: 300,
    ...parseOptions(words),
    signal: stopping.signal,
    onEvent: (event) => {
      if (event.type === "ignored" && !event.isNotable) return;
      process.stderr.write(`${formatServeEvent(event)}\n`);
    },
  });
} catch (error) {
  if (!(error instanceof NetbootError)) throw error;
  process.stderr.write(`${error.message}\n${error.hint}\n`);
  process.exitCode = 1;
}
