import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  openVerifier,
  readSignatureRequirement,
  requireSignature,
  type SignatureVerifier,
  type VerificationOptions,
} from "../../src/signatures/index.js";
import { NetbootError } from "../../src/support/index.js";
import { ImageContent } from "../oci-client/support/image-content.js";
import {
  addStoredSignature,
  kairosRepository,
  type MadeName,
  otherBundles,
  type Storage,
  type StoredSignature,
  storages,
  storedSignature,
  workflow,
  workflowOptions,
} from "./support/keyless-signatures.js";
import { addDemoManifest, fixture } from "./support/signed-images.js";

/** Verifies the demo image with these signatures, as `extract` does. */
async function verify(
  signatures: readonly StoredSignature[],
  options: VerificationOptions = {},
): Promise<{ digest: string; identity: string | undefined }> {
  const content = new ImageContent();
  const root = addDemoManifest(content);
  const manifests = signatures.map((signature) => addStoredSignature(content, root, signature));
  const verified: { digest: string; identity: string | undefined }[] = [];
  const approve = requireSignature(
    {
      async *signatureManifests() {
        for (const manifest of manifests) yield content.bytes(manifest);
      },
      signatureBlob: async (descriptor) => content.bytes(descriptor),
      signedDocument: async (digest) => content.bytes({ digest }),
    },
    await verifierFor(options),
    ({ digest, signer }) => verified.push({ digest, identity: signer?.identity }),
  );
  await approve?.({ digest: root.digest });
  const [only] = verified;
  assert.ok(only);
  assert.equal(only.digest, root.digest);
  return only;
}

async function openVerifierFor(options: VerificationOptions): Promise<SignatureVerifier> {
  const required = await readSignatureRequirement({ ...workflowOptions, ...options });
  assert.ok(required);
  return openVerifier(required, { cacheDirectory: undefined });
}

/** Most tests have no options of their own, and share one verifier. */
const sharedVerifier = openVerifierFor({});
const verifierFor = (options: VerificationOptions) =>
  Object.keys(options).length === 0 ? sharedVerifier : openVerifierFor(options);

async function refusalOf(...args: Parameters<typeof verify>): Promise<NetbootError> {
  const error = await verify(...args).then(
    () => assert.fail("accepted"),
    (error: unknown) => error,
  );
  assert.ok(error instanceof NetbootError, String(error));
  return error;
}

const accepted: Readonly<Record<string, VerificationOptions>> = {
  "an exact identity and issuer": {},
  "a pattern for each": {
    verifyIdentity: String.raw`/^https://github\.com/kairos-io/kairos/.+@refs/tags/v4\.[0-9]+\.[0-9]+$/`,
    verifyIssuer: String.raw`/^https://token\.actions\.githubusercontent\.com$/`,
  },
  "a pattern that matches a part, as with cosign": { verifyIdentity: "/kairos-io/kairos/" },
  "an exact source repository": { verifySourceRepository: kairosRepository },
  "a pattern for the source repository": {
    verifySourceRepository: "/^https://github.com/kairos-io//",
  },
};

describe("a keyless signature", () => {
  for (const storage of storages) {
    for (const [name, options] of Object.entries(accepted)) {
      it(`in ${storage} is accepted with ${name}`, async () => {
        const { identity } = await verify([storedSignature(storage)], options);
        assert.equal(identity, workflow);
      });
    }
  }

  it("of the manifest itself is accepted", async () => {
    for (const bundle of [otherBundles.message, otherBundles.rekor2Message]) {
      await verify([{ ...storedSignature("a bundle"), bundle }]);
    }
  });

  it("is found among others", async () => {
    const others = [storedSignature("a tag", "late"), storedSignature("a bundle", "anotherImage")];
    await verify([...others, storedSignature("a tag")]);
  });
});

interface Wrong {
  readonly name: string;
  readonly options?: VerificationOptions;
  readonly made?: MadeName;
  /** Changes the valid signature; undefined if it cannot be changed in this way. */
  readonly change?: (signature: StoredSignature, storage: Storage) => StoredSignature | undefined;
  readonly reason: RegExp;
}

/** The annotation with what Rekor returned. */
const logAnnotation = "dev.sigstore.cosign/bundle";
const timestampAnnotation = "dev.sigstore.cosign/rfc3161timestamp";

/** Changes the entry of the transparency log, which annotations and bundles write differently. */
function changeEntry(
  signature: StoredSignature,
  inAnnotation: (entry: { SignedEntryTimestamp: string; Payload: Record<string, unknown> }) => void,
  // biome-ignore lint/suspicious/noExplicitAny: any member of an entry.
  inBundle: (entry: any) => void,
): StoredSignature {
  const { annotations, bundle } = signature;
  if (bundle !== undefined) {
    inBundle(bundle.verificationMaterial.tlogEntries[0]);
    return signature;
  }
  const entry = JSON.parse(annotations[logAnnotation] ?? "");
  inAnnotation(entry);
  return { ...signature, annotations: { ...annotations, [logAnnotation]: JSON.stringify(entry) } };
}

/** Takes one part from another signature. */
function replacePart(
  signature: StoredSignature,
  other: StoredSignature,
  annotation: string,
  // biome-ignore lint/suspicious/noExplicitAny: any member of a bundle.
  inBundle: (bundle: any, other: any) => void,
): StoredSignature {
  const { annotations, bundle } = signature;
  if (bundle !== undefined) {
    inBundle(bundle, other.bundle);
    return signature;
  }
  const replacement = { [annotation]: other.annotations[annotation] ?? "" };
  return { ...signature, annotations: { ...annotations, ...replacement } };
}

/** The hash in the entry's body with another first digit. */
function changeBody(body: string): string {
  const text = Buffer.from(body, "base64").toString();
  const changed = text.replace(/"(value|digest)":"(.)/, (_, name, first) => {
    return `"${name}":"${first === "a" ? "b" : "a"}`;
  });
  return Buffer.from(changed).toString("base64");
}

const invalidEntry = /it has an invalid entry in the transparency log/;
const noTimestamp = /it has no timestamp that shows whether its certificate was valid/;

const wrong: readonly Wrong[] = [
  {
    name: "by another identity",
    options: { verifyIdentity: workflow.replace("v4.3.0", "v4.3.1") },
    reason:
      /was not verifiably made by .*@refs\/tags\/v4\.3\.1 \(issuer .*\): it was made by .*@refs\/tags\/v4\.3\.0 \(issuer/,
  },
  {
    name: "by an identity that only begins like the expected one",
    options: { verifyIdentity: workflow.replace("@refs/tags/v4.3.0", "") },
    reason: /it was made by/,
  },
  {
    name: "by an identity that the pattern does not match",
    options: { verifyIdentity: "/^https://github.com/another/" },
    reason: /it was made by/,
  },
  {
    name: "with another issuer",
    options: { verifyIssuer: "https://accounts.google.com" },
    reason:
      /\(issuer https:\/\/accounts\.google\.com\): it was made by .* \(issuer https:\/\/token/,
  },
  {
    name: "with an issuer that the pattern does not match",
    options: { verifyIssuer: "/google/" },
    reason: /it was made by/,
  },
  {
    name: "for another source repository",
    options: { verifySourceRepository: "https://github.com/kairos-io/kairo" },
    reason:
      /\(issuer .*, for https:\/\/github\.com\/kairos-io\/kairo\): it was made by .* \(issuer .*, for https:\/\/github\.com\/kairos-io\/kairos\)/,
  },
  {
    name: "made after the certificate expired",
    made: "late",
    reason: /it was made when its certificate was not valid/,
  },
  {
    name: "of another image",
    made: "anotherImage",
    reason: /^A signature verifiably made by .* is of sha256:[0-9a-f]{64}, not of sha256:/,
  },
  {
    name: "with a certificate that is in no certificate log",
    made: "notInCertificateLog",
    reason: /it has a certificate that is in no certificate log/,
  },
  {
    name: "with certificate, entry, and timestamp by other authorities",
    made: "anotherAuthority",
    reason: /an authority that the trusted root does not list/,
  },
  {
    name: "without a timestamp",
    change: (signature, storage) => {
      const { [logAnnotation]: _, ...annotations } = signature.annotations;
      if (storage === "a tag, with a timestamp") return undefined;
      if (storage === "a tag") return { ...signature, annotations };
      const { tlogEntries, timestampVerificationData } = signature.bundle.verificationMaterial;
      delete tlogEntries[0].inclusionPromise;
      timestampVerificationData.rfc3161Timestamps = [];
      return signature;
    },
    reason: noTimestamp,
  },
  {
    name: "with the timestamp of another signature",
    change: (signature, storage) => {
      if (storage === "a tag" || storage === "a bundle") return undefined;
      const other = storedSignature(storage, "anotherImage");
      return replacePart(signature, other, timestampAnnotation, (bundle, from) => {
        const data = from.verificationMaterial.timestampVerificationData;
        bundle.verificationMaterial.timestampVerificationData = data;
      });
    },
    reason: /it has an invalid timestamp/,
  },
  {
    name: "without an entry in the transparency log",
    change: (signature, storage) => {
      const { [logAnnotation]: _, ...annotations } = signature.annotations;
      if (storage === "a tag, with a timestamp") return { ...signature, annotations };
      if (storage !== "a bundle with an entry of Rekor 2") return undefined;
      signature.bundle.verificationMaterial.tlogEntries = [];
      return signature;
    },
    reason: /it has no entry in a transparency log/,
  },
  {
    name: "with a changed entry in the transparency log",
    change: (signature) =>
      changeEntry(
        signature,
        ({ Payload }) => {
          Payload.body = changeBody(String(Payload.body));
        },
        (entry) => {
          entry.canonicalizedBody = changeBody(entry.canonicalizedBody);
        },
      ),
    reason: invalidEntry,
  },
  {
    name: "with an earlier time in the log entry",
    change: (signature, storage) => {
      if (storage === "a bundle with an entry of Rekor 2") return undefined;
      return changeEntry(
        signature,
        ({ Payload }) => {
          Payload.integratedTime = Number(Payload.integratedTime) + 1;
        },
        (entry) => {
          entry.integratedTime = String(Number(entry.integratedTime) + 1);
        },
      );
    },
    reason: invalidEntry,
  },
  {
    name: "with another index in the log",
    change: (signature, storage) => {
      if (storage === "a bundle with an entry of Rekor 2") return undefined;
      return changeEntry(
        signature,
        ({ Payload }) => {
          Payload.logIndex = Number(Payload.logIndex) + 1;
        },
        (entry) => {
          entry.logIndex = String(Number(entry.logIndex) + 1);
        },
      );
    },
    reason: invalidEntry,
  },
  {
    name: "with a checkpoint that the log did not sign",
    change: (signature) => {
      if (signature.bundle === undefined) return undefined;
      const [entry] = signature.bundle.verificationMaterial.tlogEntries;
      const { checkpoint } = entry.inclusionProof;
      checkpoint.envelope = checkpoint.envelope.replace("rekor.test - ", "rekor.test - 1");
      return signature;
    },
    reason: invalidEntry,
  },
  {
    name: "with the log entry of another signature",
    change: (signature, storage) => {
      const other = storedSignature(storage, "anotherImage");
      return replacePart(signature, other, logAnnotation, (bundle, from) => {
        bundle.verificationMaterial.tlogEntries = from.verificationMaterial.tlogEntries;
      });
    },
    reason: /it has the transparency log entry of another signature/,
  },
  {
    name: "with the certificate of another signature",
    // Of an earlier one, so that the certificate is valid at that time.
    made: "anotherImage",
    change: (signature, storage) => {
      const other = storedSignature(storage);
      return replacePart(signature, other, "dev.sigstore.cosign/certificate", (bundle, from) => {
        bundle.verificationMaterial.certificate = from.verificationMaterial.certificate;
      });
    },
    reason: /it does not match what it is said to sign/,
  },
  {
    name: "of a payload that was changed to name this image",
    made: "anotherImage",
    change: (signature, storage) => {
      const { payload, bundle } = storedSignature(storage);
      if (bundle === undefined) return { ...signature, payload };
      signature.bundle.dsseEnvelope.payload = bundle.dsseEnvelope.payload;
      return signature;
    },
    reason: /it (?:has the transparency log entry of another signature|does not match)/,
  },
  {
    name: "with a malformed certificate",
    change: (signature) => {
      if (signature.bundle === undefined) return undefined;
      signature.bundle.verificationMaterial.certificate.rawBytes = "AAAA";
      return signature;
    },
    reason: /it is malformed/,
  },
  {
    name: "with a malformed log entry",
    change: (signature) =>
      changeEntry(
        signature,
        ({ Payload }) => {
          Payload.body = "AAAA";
        },
        (entry) => {
          entry.canonicalizedBody = "AAAA";
        },
      ),
    reason: /it (?:is malformed|has an invalid entry)/,
  },
];

describe("a keyless signature is refused", () => {
  for (const { name, options, made, change, reason } of wrong) {
    for (const storage of storages) {
      const signature = storedSignature(storage, made);
      const changed = change === undefined ? signature : change(signature, storage);
      if (changed === undefined) continue;
      it(`${name}, in ${storage}`, async () => {
        const error = await refusalOf([changed], options);
        assert.equal(error.code, "SIGNATURE_INVALID");
        assert.match(error.message, reason);
      });
    }
  }

  it("if it is an attestation", async () => {
    const bundle = otherBundles.attestation;
    const error = await refusalOf([{ ...storedSignature("a bundle"), bundle }]);
    assert.equal(error.code, "SIGNATURE_INVALID");
    assert.match(error.message, /is of something other than an image/);
  });

  it("if it was made with a key", async () => {
    const signature = fixture("demo.p256.sig").toString();
    const annotations = { "dev.cosignproject.cosign/signature": signature };
    const tagged = await refusalOf([{ ...storedSignature("a tag"), annotations }]);
    assert.match(tagged.message, /it has no certificate\.$/);
    const bundle = JSON.parse(fixture("bundle.p256.json").toString());
    const bundled = await refusalOf([{ ...storedSignature("a bundle"), bundle }]);
    assert.match(bundled.message, /: it .*(?:key|timestamp)/);
  });

  it("with the reasons of all, if there are several", async () => {
    const late = storedSignature("a tag", "late");
    const unlogged = storedSignature("a bundle", "notInCertificateLog");
    const { message } = await refusalOf([late, unlogged]);
    assert.match(message, /^None of the 2 signatures of sha256:.* was verifiably made by /);
    assert.match(
      message,
      /: one was made when .*; one has a certificate that is in no certificate log\.$/,
    );
  });

  it("if there is none, with the command that makes one", async () => {
    const error = await refusalOf([]);
    assert.equal(error.code, "SIGNATURE_MISSING");
    assert.match(error.hint, /cosign sign IMAGE@DIGEST/);
  });
});
