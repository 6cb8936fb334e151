import type { Descriptor } from "../core/descriptor.js";
import { type BlobBody, blobBody } from "./blob-body.js";
import type { HttpRequest } from "./http-exchange.js";
import { isAllowed } from "./origin.js";
import type { Transport } from "./transport.js";

/**
 * Tries the URLs in a descriptor (OCI image spec, descriptor.md, "urls"): layers whose license forbids
 * redistribution are there instead of in a registry. Sends no credentials.
 * @returns undefined if no URL leads to the blob
 * @throws OciClientError the failure of the last URL, if it failed
 */
export async function openForeignBlob(
  transport: Transport,
  descriptor: Descriptor,
  offset: number,
  request: Pick<HttpRequest, "headers" | "signal">,
): Promise<BlobBody | undefined> {
  const addresses = (descriptor.urls ?? []).filter((address) => URL.canParse(address));
  let failure: unknown;
  for (const url of addresses.map((address) => new URL(address)).filter(isAllowed)) {
    failure = undefined;
    try {
      const response = await transport.send(url, request);
      const blob = await blobBody(response, descriptor, offset);
      if (blob) return blob;
      await response.discard();
    } catch (error) {
      request.signal?.throwIfAborted();
      failure = error;
    }
  }
  if (failure !== undefined) throw failure;
  return undefined;
}
