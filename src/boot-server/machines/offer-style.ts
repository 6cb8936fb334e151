/**
 * How a PXE client learns what to fetch. Firmware differs in which style it accepts.
 * - `direct`: the offer names the boot file (option 43 with PXE discovery control 8, "boot from
 *   this offer")
 * - `port-4011`: the client asks again, on the PXE server's own port
 */
export type OfferStyle = "direct" | "port-4011";
