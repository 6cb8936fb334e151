import { discoverMessages } from "./discovery-packets.js";
import { formatDhcp, parseDhcp } from "./message.js";
import { readBootRequest, replyToBootRequest } from "./proxy-reply.js";

/** About how often V8 must run code before it optimizes it. */
const repetitions = 1000;

/**
 * Answers made-up requests without sending anything. Code runs ten times as slowly until V8 has
 * optimized it, and a rack of machines that start together may ask a server that has just started.
 */
export function warmUp(): void {
  const endpoint = { address: "127.0.0.1", port: 67 };
  const packet = { port: 67, from: endpoint, server: endpoint.address } as const;
  const [, pxeDiscover] = discoverMessages(endpoint.address);
  const bytes = formatDhcp(pxeDiscover);
  for (let count = 0; count < repetitions; count += 1) {
    const request = readBootRequest(parseDhcp(bytes), packet);
    if (request.kind === "no-reply") return;
    const decision = replyToBootRequest(request, { bootFile: "ipxe.efi" }, () => "direct");
    if (decision.kind === "reply") formatDhcp(decision.message);
  }
}
