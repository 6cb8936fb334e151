import assert from "node:assert/strict";

interface Package {
  readonly SPDXID: string;
  readonly name: string;
  readonly downloadLocation: string;
  readonly filesAnalyzed: boolean;
  readonly licenseDeclared?: string;
  readonly externalRefs: readonly Record<string, string>[];
}

/**
 * What SPDX 2.3 demands of a document (chapters 6, 7, 10 and 11): mandatory fields, forms of IDs,
 * and that all references lead to something.
 */
export function assertSpdx(document: Record<string, unknown>): void {
  assert.equal(document.spdxVersion, "SPDX-2.3");
  assert.equal(document.dataLicense, "CC0-1.0");
  assert.equal(document.SPDXID, "SPDXRef-DOCUMENT");
  assert.equal(typeof document.name, "string");
  const namespace = new URL(document.documentNamespace as string);
  assert.equal(namespace.hash, "", "no #");
  const { created, creators } = document.creationInfo as { created: string; creators: string[] };
  assert.match(created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  for (const creator of creators) assert.match(creator, /^(?:Tool|Organization|Person): \S/);

  const packages = document.packages as Package[];
  const ids = new Set([document.SPDXID as string]);
  const licenses = new Set(
    ((document.hasExtractedLicensingInfos ?? []) as Record<string, string>[]).map((it) => {
      assert.match(it.licenseId!, /^LicenseRef-[A-Za-z0-9.-]+$/);
      assert.ok(it.extractedText !== undefined);
      return it.licenseId!;
    }),
  );
  for (const it of packages) {
    assert.match(it.SPDXID, /^SPDXRef-[A-Za-z0-9.-]+$/);
    assert.ok(!ids.has(it.SPDXID), `${it.SPDXID} is there once`);
    ids.add(it.SPDXID);
    assert.ok(it.name.length > 0);
    assert.equal(it.downloadLocation, "NOASSERTION");
    assert.equal(it.filesAnalyzed, false);
    const declared = it.licenseDeclared ?? "NOASSERTION";
    assert.ok(declared === "NOASSERTION" || licenses.has(declared), declared);
    for (const reference of it.externalRefs) {
      assert.equal(reference.referenceCategory, "PACKAGE-MANAGER");
      assert.equal(reference.referenceType, "purl");
    }
  }
  const relationships = document.relationships as Record<string, string>[];
  for (const { spdxElementId, relatedSpdxElement } of relationships) {
    assert.ok(ids.has(spdxElementId!) && ids.has(relatedSpdxElement!));
  }
  assert.equal(relationships.filter((it) => it.relationshipType === "DESCRIBES").length, 1);
  for (const id of document.documentDescribes as string[]) assert.ok(ids.has(id));
}
