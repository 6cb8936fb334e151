import type { ImageContent, Pointer } from "../../oci-client/support/image-content.js";
import { fail, serve } from "../../oci-client/support/local-server.js";
import type { Scope } from "../../support/suite-scope.js";

const none =
  '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}';

/**
 * A registry that supports referrers, unlike Debian's (OCI distribution spec 1.1, "Listing
 * Referrers"), and records the requests.
 */
export async function fakeRegistry(
  t: Scope,
  content: ImageContent,
  tags: Readonly<Record<string, Pointer>>,
  referrers: Readonly<Record<string, Pointer>>,
): Promise<{ host: string; asked: () => string[] }> {
  const { host, requests } = await serve(t, ({ url = "" }, response) => {
    const [kind = "", target = ""] = url.split("/").slice(-2);
    if (kind === "referrers") {
      const list = referrers[target];
      response.setHeader("content-type", "application/vnd.oci.image.index.v1+json");
      response.end(list === undefined ? none : content.bytes(list));
      return;
    }
    const bytes = content.blobs.get(tags[target]?.digest ?? target);
    if (bytes === undefined) return fail(response, 404, "MANIFEST_UNKNOWN");
    if (kind === "manifests") {
      response.setHeader("content-type", JSON.parse(bytes.toString()).mediaType);
    }
    response.end(bytes);
  });
  return { host, asked: () => requests.map(({ url = "" }) => url) };
}
