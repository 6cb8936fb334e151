import { createHash } from "node:crypto";
import type { InstalledPackage, PackageList } from "./package.js";
import { imagePurl, packagePurl } from "./purl.js";
import { type SbomSubject, timestampOf } from "./sbom-document.js";

/** Writes a CycloneDX 1.5 document in JSON (ECMA-424). The same image always gives the same bytes. */
export function formatCycloneDx(list: PackageList, subject: SbomSubject): string {
  const { name, digest, reference, program } = subject;
  const image = imagePurl(reference, digest);
  const components = list.packages.map((it) => component(it, list));
  const document = {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify([subject, components]))}`,
    version: 1,
    metadata: {
      timestamp: timestampOf(subject.created),
      tools: {
        components: [{ type: "application", name: program.name, version: program.version }],
      },
      component: { type: "container", "bom-ref": image, name, version: digest, purl: image },
    },
    components,
    dependencies: [{ ref: image, dependsOn: components.map((it) => it["bom-ref"]) }],
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function component(it: InstalledPackage, { distribution }: PackageList) {
  const purl = packagePurl(it, distribution);
  const homepage = it.homepage !== undefined && URL.canParse(it.homepage) ? it.homepage : undefined;
  return {
    type: "library",
    "bom-ref": purl,
    name: it.name,
    version: it.epoch === undefined ? it.version : `${it.epoch}:${it.version}`,
    ...(it.license === undefined ? {} : { licenses: [{ license: { name: it.license } }] }),
    purl,
    ...(homepage === undefined
      ? {}
      : { externalReferences: [{ type: "website", url: new URL(homepage).href }] }),
  };
}

/** A UUID of version 8, which consists of the bits of a hash (RFC 9562). */
function uuidOf(text: string): string {
  const bytes = createHash("sha256").update(text).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join("-");
}
