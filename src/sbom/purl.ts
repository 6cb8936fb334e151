import { repositoryOf } from "../sources/index.js";
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
  // Only rpm's names are case-sensitive.
  const known = type === "rpm" ? name : name.toLowerCase();
  return `pkg:${type}/${encoded(namespace)}/${encoded(known)}@${encoded(version)}${query(qualifiers)}`;
}

/**
 * The package URL of an image. Only a registry has an address that means the same everywhere, so the
 * package URL of an image from another source contains nothing but the digest.
 * @param reference the complete reference of the image's source
 */
export function imagePurl(reference: string, digest: string): string {
  const image = repositoryOf(reference);
  if (image === undefined) return `pkg:oci/image@${encodeURIComponent(digest)}`;
  const { registry, repository, tag } = image;
  const name = repository.slice(repository.lastIndexOf("/") + 1);
  const qualifiers: Record<string, string> = { repository_url: `${registry}/${repository}` };
  if (tag !== undefined) qualifiers.tag = tag;
  return `pkg:oci/${encoded(name)}@${encodeURIComponent(digest)}${query(qualifiers)}`;
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
