import { z } from "zod";
import type { Lease } from "./lease-pool.js";

/** A line of the file. */
const line = z.object({
  client: z.string().min(1).max(600),
  address: z.ipv4(),
  until: z.iso.datetime().transform(Date.parse),
  hostname: z.string().max(255).optional(),
});

/** The lease of a line; none where it is damaged. */
export function parseLease(text: string): Lease[] {
  try {
    const { hostname, ...lease } = line.parse(JSON.parse(text));
    return [{ ...lease, hostname }];
  } catch {
    return [];
  }
}

/** The line of a lease, with its end. */
export function formatLease({ client, address, until, hostname }: Lease): string {
  const time = new Date(until).toISOString();
  return `${JSON.stringify({ client, address, until: time, hostname })}\n`;
}
