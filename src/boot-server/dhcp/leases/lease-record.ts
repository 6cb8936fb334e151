import * as z from "zod";
import type { Lease } from "./lease-pool.js";

/** The schema of a line. */
const leaseLine = z.object({
  client: z.string().min(1).max(600),
  address: z.ipv4(),
  until: z.iso.datetime().transform(Date.parse),
  hostname: z.string().max(255).optional(),
});

/** Parses a line of the lease file; returns no lease if the line is damaged. */
export function parseLease(text: string): Lease[] {
  try {
    const { hostname, ...lease } = leaseLine.parse(JSON.parse(text));
    return [{ ...lease, hostname }];
  } catch {
    return [];
  }
}

/** Formats a line of the lease file, including the line break. */
export function formatLease({ client, address, until, hostname }: Lease): string {
  const time = new Date(until).toISOString();
  return `${JSON.stringify({ client, address, until: time, hostname })}\n`;
}
