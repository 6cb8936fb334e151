import type { ServerResponse } from "node:http";

/** Answers with a text that clients must not cache. */
export function sendText(
  response: ServerResponse,
  status: number,
  type: string,
  text: string,
): void {
  const body = Buffer.from(text);
  response.writeHead(status, {
    "Content-Type": `${type}; charset=utf-8`,
    "Content-Length": body.length,
    "Cache-Control": "no-store",
  });
  response.end(body);
}
