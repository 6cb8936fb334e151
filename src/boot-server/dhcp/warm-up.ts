import { discoverMessages } from "./discovery-packets.js";
import { formatDhcp, parseDhcp } from "./message.js";
import { readBootRequest, replyToBootRequest } from "./proxy-reply.js";

/** About as often as V8 wants to have seen code before it compiles it well. */
const times = 1000;

/**
 * Answers machines that are not there, and sends nothing: code that was never run is ten times as
 * slow, and a rack of machines that are switched on together asks a server that has just started.
 */
export function warmUp(): void {
  const here = { address: "127.0.0.1", port: 67 };
  const [, pxe] = discoverMessages(here.address);
  const bytes = formatDhcp(pxe!);
  for (let time = 0; time < times; time += 1) {
    const arrival = { port: 67, from: here, server: here.address } as const;
    const question = readBootRequest(parseDhcp(bytes), arrival);
    if (question.kind === "no-reply") return;
    const answer = replyToBootRequest(question, { bootFile: "ipxe.efi" }, () => "direct");
    if (answer.kind === "reply") formatDhcp(answer.message);
  }
}
