import { sha256Hex } from "../support/index.js";
import type { InstalledPackage, PackageList } from "./package.js";
import { imagePurl, packagePurl } from "./purl.js";
import { type SbomSubject, timestampOf } from "./sbom-document.js";

/**
 * Writes an SPDX 2.3 document in JSON (https://spdx.github.io/spdx-spec/v2.3/). The same image always
 * gives the same bytes.
 */
export function formatSpdx(list: PackageList, subject: SbomSubject): string {
  const { name, digest, reference, program } = subject;
  const [algorithm = "", checksumValue] = digest.split(":");
  const licenses = new Map<string, string>();
  const packages = list.packages.map((it) => spdxPackage(it, list, licenses));
  const image = {
    SPDXID: "SPDXRef-Image",
    name,
    versionInfo: digest,
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    primaryPackagePurpose: "CONTAINER",
    checksums: [{ algorithm: algorithm.toUpperCase(), checksumValue }],
    externalRefs: [purlReference(imagePurl(reference, digest))],
  };
  const identity = sha256Hex(JSON.stringify([subject, packages]));
  return json({
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name,
    documentNamespace: `https://spdx.org/spdxdocs/${encodeURIComponent(name)}-${identity}`,
    creationInfo: {
      created: timestampOf(subject.created),
      creators: [`Tool: ${program.name}-${program.version}`],
      comment: "The time is the image's, so that the same image always gives the same document.",
    },
    documentDescribes: ["SPDXRef-Image"],
    packages: [image, ...packages],
    ...(licenses.size === 0 ? {} : { hasExtractedLicensingInfos: extracted(licenses) }),
    relationships: [
      relationship("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Image"),
      ...packages.map(({ SPDXID }) => relationship("SPDXRef-Image", "CONTAINS", SPDXID)),
    ],
  });
}

function spdxPackage(
  it: InstalledPackage,
  { distribution }: PackageList,
  licenses: Map<string, string>,
) {
  const purl = packagePurl(it, distribution);
  return {
    SPDXID: `SPDXRef-Package-${it.type}-${idPart(it.name)}-${shortHash(purl)}`,
    name: it.name,
    versionInfo: it.epoch === undefined ? it.version : `${it.epoch}:${it.version}`,
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    licenseConcluded: "NOASSERTION",
    licenseDeclared:
      it.license === undefined ? "NOASSERTION" : licenseReference(it.license, licenses),
    copyrightText: "NOASSERTION",
    ...(it.homepage !== undefined && isAddress(it.homepage) ? { homepage: it.homepage } : {}),
    ...(it.source === undefined ? {} : { sourceInfo: `built from ${it.source}` }),
    externalRefs: [purlReference(purl)],
  };
}

function purlReference(purl: string) {
  return {
    referenceCategory: "PACKAGE-MANAGER",
    referenceType: "purl",
    referenceLocator: purl,
  };
}

/** Databases contain license names of any kind, for which SPDX has a place (section 10). */
function licenseReference(words: string, licenses: Map<string, string>): string {
  const reference = `LicenseRef-${shortHash(words)}`;
  licenses.set(reference, words);
  return reference;
}

function extracted(licenses: ReadonlyMap<string, string>) {
  return [...licenses]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([licenseId, words]) => ({ licenseId, name: words, extractedText: words }));
}

function relationship(spdxElementId: string, relationshipType: string, relatedSpdxElement: string) {
  return { spdxElementId, relationshipType, relatedSpdxElement };
}

/** An ID may contain only letters, digits, dots and hyphens. */
function idPart(name: string): string {
  return name.replace(/[^A-Za-z0-9.-]/g, "-");
}

function shortHash(text: string): string {
  return sha256Hex(text).slice(0, 12);
}

function isAddress(text: string): boolean {
  return /^(?:https?|ftp):\/\/\S+$/.test(text) && URL.canParse(text);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
