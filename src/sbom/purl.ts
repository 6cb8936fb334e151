import type { InstalledPackage, PackageList } from "./package.js";

/** Package URLs (purl-spec, PURL-SPECIFICATION.rst and PURL-TYPES.rst). */
export function packagePurl(
  { type, name, version, epoch, architecture }: InstalledPackage,
  { id, version: release }: PackageList["distribution"],
): string {
  const namespace = type === "apk" && id === "linux" ? "alpine" : id;
  const qualifiers: Record<string, string> = { arch: architecture };
  if (release !== undefined) qualifiers.distro = `${id}-${release}`;
  if (epoch !== undefined) qualifiers.epoch = epoch;
  // rpm's names have case, those of the others have not.
  const known = type === "rpm" ? name : name.toLowerCase();
  return `pkg:${type}/${encoded(namespace)}/${encoded(known)}@${encoded(version)}${query(qualifiers)}`;
}

/**
 * Of an image in a registry: `registry/repository[:tag]`; of one that was found elsewhere, only its
 * digest.
 */
export function imagePurl(reference: string, digest: string): string {
  const match = /^([^/]+\/.+?)(?::(\w[\w.-]*))?(?:@[^@]*)?$/.exec(reference);
  const isElsewhere = /^(oci|oci-archive|dir|docker-archive|docker-daemon):/.test(reference);
  if (isElsewhere || match === null) return `pkg:oci/image@${encodeURIComponent(digest)}`;
  const [, place, tag] = match;
  const name = place!.slice(place!.lastIndexOf("/") + 1);
  const qualifiers: Record<string, string> = { repository_url: place! };
  if (tag !== undefined) qualifiers.tag = tag;
  return `pkg:oci/${encoded(name.toLowerCase())}@${encodeURIComponent(digest)}${query(qualifiers)}`;
}

function query(qualifiers: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(qualifiers).sort(([a], [b]) => (a < b ? -1 : 1));
  return `?${pairs.map(([key, value]) => `${key}=${encoded(value)}`).join("&")}`;
}

function encoded(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (it) => `%${it.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%3A/g, ":");
}
