// node make.mjs IMAGE-LAYOUT PAYLOADS OUTPUT
// Started by make.sh, beside whose node_modules it lies.
import crypto from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import mock from "@sigstore/mock";
import x509 from "@peculiar/x509";

const [layout, payloads, output] = process.argv.slice(2);

const identity =
  "https://github.com/kairos-io/kairos/.github/workflows/reusable-factory.yaml@refs/tags/v4.3.0";
const issuer = "https://token.actions.githubusercontent.com";
const sourceRepository = "https://github.com/kairos-io/kairos";
const minuteMs = 60_000;
const since = "2021-01-01T00:00:00Z";

const sha256 = (bytes) => crypto.createHash("sha256").update(bytes).digest();
const base64 = (bytes) => Buffer.from(bytes).toString("base64");
const newKey = () => crypto.generateKeyPairSync("ec", { namedCurve: "P-256" });
const spki = ({ publicKey }) => publicKey.export({ type: "spki", format: "der" });
const pem = (der) =>
  `-----BEGIN CERTIFICATE-----\n${base64(der).replace(/(.{64})(?!$)/g, "$1\n")}\n-----END CERTIFICATE-----\n`;

/** Fulcio with a root and an intermediate, its certificate log, Rekor, and a timestamp authority. */
async function createAuthority() {
  const [caKey, ctKey, logKey, tsaKey] = [newKey(), newKey(), newKey(), newKey()];
  const certificateLog = await mock.initializeCTLog(ctKey);
  // In whole seconds: @sigstore/verify does not read every fraction that the mock writes.
  const after = (delayMinutes) =>
    new Date(Math.floor((Date.now() + delayMinutes * minuteMs) / 1000) * 1000);
  return {
    issuing: await mock.initializeCA(caKey, certificateLog),
    issuingWithoutLog: await mock.initializeCA(caKey),
    chain: await intermediateAndRoot(caKey),
    certificateLog,
    logKey,
    log: (delayMinutes) =>
      mock.initializeTLog("https://rekor.test", logKey, after(delayMinutes)),
    timestamps: await mock.initializeTSA(tsaKey),
    timestampsAfter: (delayMinutes) => mock.initializeTSA(tsaKey, after(delayMinutes)),
  };
}

/** The mock issues from its root: here, another root signs a certificate of the same name and key. */
async function intermediateAndRoot(caKey) {
  const { subtle } = crypto.webcrypto;
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const rootKeys = await subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const publicKey = await subtle.importKey("spki", spki(caKey), algorithm, true, ["verify"]);
  const notAfter = new Date(Date.now() + 365 * 24 * 60 * minuteMs);
  const usages = new x509.KeyUsagesExtension(
    x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.keyCertSign,
    true,
  );
  const common = { notBefore: new Date(), notAfter, signingAlgorithm: algorithm };
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    ...common,
    serialNumber: "01",
    name: "CN=root,O=sigstore.mock",
    keys: rootKeys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      usages,
      await x509.SubjectKeyIdentifierExtension.create(rootKeys.publicKey, false, crypto.webcrypto),
    ],
  }, crypto.webcrypto);
  const intermediate = await x509.X509CertificateGenerator.create({
    ...common,
    serialNumber: "02",
    subject: "CN=sigstore,O=sigstore.mock",
    issuer: root.subject,
    publicKey,
    signingKey: rootKeys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      usages,
      await x509.SubjectKeyIdentifierExtension.create(publicKey, false, crypto.webcrypto),
      await x509.AuthorityKeyIdentifierExtension.create(rootKeys.publicKey, false, crypto.webcrypto),
    ],
  }, crypto.webcrypto);
  return [Buffer.from(intermediate.rawData), Buffer.from(root.rawData)];
}

/** sigstore, protobuf-specs, sigstore_trustroot.proto, in JSON. */
function trustedRootOf({ chain, certificateLog, logKey, timestamps }) {
  const authority = (uri, certificates) => ({
    subject: { organization: "sigstore.mock", commonName: "sigstore" },
    uri,
    certChain: { certificates: certificates.map((der) => ({ rawBytes: base64(der) })) },
    validFor: { start: since },
  });
  const log = (baseUrl, key) => ({
    baseUrl,
    hashAlgorithm: "SHA2_256",
    publicKey: {
      rawBytes: base64(key),
      keyDetails: "PKIX_ECDSA_P256_SHA_256",
      validFor: { start: since },
    },
    logId: { keyId: base64(sha256(key)) },
  });
  return {
    mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    tlogs: [log("https://rekor.test", spki(logKey))],
    certificateAuthorities: [authority("https://fulcio.test", chain)],
    ctlogs: [log("https://ctfe.test", certificateLog.publicKey)],
    timestampAuthorities: [
      authority("https://timestamp.test", [timestamps.intCertificate, timestamps.rootCertificate]),
    ],
  };
}

async function issue(ca) {
  const key = newKey();
  const certificate = await ca.issueCertificate({
    publicKey: spki(key),
    subjectAltName: identity,
    extensions: [
      { oid: "1.3.6.1.4.1.57264.1.1", value: issuer, legacy: true },
      { oid: "1.3.6.1.4.1.57264.1.8", value: issuer },
      { oid: "1.3.6.1.4.1.57264.1.12", value: sourceRepository },
    ],
  });
  return { key, certificate: Buffer.from(certificate) };
}

const algorithm = "sha256";
const hash = (bytes) => ({ algorithm, value: sha256(bytes).toString("hex") });

/** The canonical bodies of log entries (rekor, pkg/types; rekor-tiles, rekor.proto). */
const bodies = {
  "hashedrekord 0.0.1": ({ content, signature, certificate }) => ({
    data: { hash: hash(content) },
    signature: { content: base64(signature), publicKey: { content: base64(pem(certificate)) } },
  }),
  "dsse 0.0.1": ({ payload, envelope, signature, certificate }) => ({
    envelopeHash: hash(JSON.stringify(envelope)),
    payloadHash: hash(payload),
    signatures: [{ signature: base64(signature), verifier: base64(pem(certificate)) }],
  }),
  "hashedrekord 0.0.2": ({ content, signature, certificate }) => ({
    hashedRekordV002: {
      data: { algorithm: "SHA2_256", digest: base64(sha256(content)) },
      signature: { content: base64(signature), verifier: verifierOf(certificate) },
    },
  }),
  "dsse 0.0.2": ({ payload, signature, certificate }) => ({
    dsseV002: {
      payloadHash: { algorithm: "SHA2_256", digest: base64(sha256(payload)) },
      signatures: [{ content: base64(signature), verifier: verifierOf(certificate) }],
    },
  }),
};

function verifierOf(certificate) {
  const keyDetails = "PKIX_ECDSA_P256_SHA_256";
  return { x509Certificate: { rawBytes: base64(certificate) }, keyDetails };
}

/** Signs, logs, and lets the timestamp authority sign the signature. */
async function sign(authority, { payload, type, ca = authority.issuing, delayMinutes = 0, version }) {
  const { key, certificate } = await issue(ca);
  const content = type === undefined ? payload : preAuthenticationEncoding(type, payload);
  const signature = crypto.sign("sha256", content, key.privateKey);
  const envelope = type && {
    payload: base64(payload),
    payloadType: type,
    signatures: [{ keyid: "", sig: base64(signature) }],
  };
  const kind = type === undefined ? "hashedrekord" : "dsse";
  const made = { payload, content, envelope, signature, certificate };
  const spec = bodies[`${kind} ${version}`](made);
  const log = await authority.log(delayMinutes);
  const [entry] = Object.values(await log.log({ apiVersion: version, kind, spec }));
  const timestamps = await authority.timestampsAfter(delayMinutes);
  const timestamp = await timestamps.timestamp({
    artifactHash: sha256(signature),
    hashAlgorithmOID: "2.16.840.1.101.3.4.2.1",
    nonce: 1,
    policyOID: "1.2.3.4.1",
    certReq: true,
  });
  return { ...made, entry, kind, version, timestamp };
}

/** secure-systems-lab/dsse, protocol.md. */
function preAuthenticationEncoding(type, payload) {
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `),
    payload,
  ]);
}

/** cosign, specs/SIGNATURE_SPEC.md, "Properties". */
function annotationsOf({ signature, certificate, entry }, chain) {
  const { body, integratedTime, logIndex, logID, verification } = entry;
  return {
    "dev.cosignproject.cosign/signature": base64(signature),
    "dev.sigstore.cosign/certificate": pem(certificate),
    "dev.sigstore.cosign/chain": chain.map(pem).join(""),
    "dev.sigstore.cosign/bundle": JSON.stringify({
      SignedEntryTimestamp: verification.signedEntryTimestamp,
      Payload: { body, integratedTime, logIndex, logID },
    }),
  };
}

const timestampAnnotation = ({ timestamp }) => ({
  "dev.sigstore.cosign/rfc3161timestamp": JSON.stringify({
    SignedRFC3161Timestamp: base64(timestamp),
  }),
});

/** sigstore, protobuf-specs, sigstore_bundle.proto, version 0.3. */
function bundleOf({ content, envelope, signature, certificate, entry, kind, version, timestamp }) {
  const { inclusionProof: proof, signedEntryTimestamp } = entry.verification;
  // Rekor 2 promises nothing and knows no time; the time comes from the authority.
  const isRekor2 = version === "0.0.2";
  const promise = { inclusionPromise: { signedEntryTimestamp } };
  return {
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: {
      certificate: { rawBytes: base64(certificate) },
      tlogEntries: [
        {
          logIndex: String(entry.logIndex),
          logId: { keyId: Buffer.from(entry.logID, "hex").toString("base64") },
          kindVersion: { kind, version },
          integratedTime: isRekor2 ? "0" : String(entry.integratedTime),
          ...(isRekor2 ? {} : promise),
          inclusionProof: {
            logIndex: String(proof.logIndex),
            rootHash: Buffer.from(proof.rootHash, "hex").toString("base64"),
            treeSize: String(proof.treeSize),
            hashes: proof.hashes,
            checkpoint: { envelope: proof.checkpoint },
          },
          canonicalizedBody: entry.body,
        },
      ],
      timestampVerificationData: {
        rfc3161Timestamps: isRekor2 ? [{ signedTimestamp: base64(timestamp) }] : [],
      },
    },
    ...(envelope === undefined
      ? {
          messageSignature: {
            messageDigest: { algorithm: "SHA2_256", digest: base64(sha256(content)) },
            signature: base64(signature),
          },
        }
      : { dsseEnvelope: envelope }),
  };
}

/** What cosign 3 signs: sigstore/cosign, specs/BUNDLE_SPEC.md. */
function statementAbout(digest, predicateType = "https://sigstore.dev/cosign/sign/v1") {
  const [name, hex] = digest.split(":");
  return Buffer.from(
    JSON.stringify({
      _type: "https://in-toto.io/Statement/v1",
      subject: [{ digest: { [name]: hex } }],
      predicateType,
      predicate: {},
    }),
  );
}

const { digest } = JSON.parse(readFileSync(join(layout, "index.json"), "utf8")).manifests[0];
const manifest = readFileSync(join(layout, "blobs/sha256", digest.slice("sha256:".length)));
const demoPayload = readFileSync(join(payloads, "demo.json"));
const otherPayload = readFileSync(join(payloads, "another-image.json"));
const { critical } = JSON.parse(otherPayload);
const otherDigest = critical.image["docker-manifest-digest"];

const authority = await createAuthority();
const other = await createAuthority();
const type = "application/vnd.in-toto+json";

async function bothLayouts(made, options = {}, [payload, about] = [demoPayload, digest]) {
  const simple = await sign(made, { payload, version: "0.0.1", ...options });
  const statement = { payload: statementAbout(about), type };
  return {
    annotations: annotationsOf(simple, made.chain),
    timestampAnnotation: timestampAnnotation(simple),
    bundle: bundleOf(await sign(made, { ...statement, version: "0.0.1", ...options })),
    rekor2Bundle: bundleOf(await sign(made, { ...statement, version: "0.0.2", ...options })),
  };
}

async function messageBundle(version) {
  return bundleOf(await sign(authority, { payload: manifest, version }));
}

const attestation = statementAbout(digest, "https://slsa.dev/provenance/v1");
const signatures = {
  valid: await bothLayouts(authority),
  // The certificate is valid for ten minutes.
  late: await bothLayouts(authority, { delayMinutes: 11 }),
  anotherImage: await bothLayouts(authority, {}, [otherPayload, otherDigest]),
  notInCertificateLog: await bothLayouts(authority, { ca: authority.issuingWithoutLog }),
  anotherAuthority: await bothLayouts(other),
  message: { bundle: await messageBundle("0.0.1"), rekor2Bundle: await messageBundle("0.0.2") },
  attestation: {
    bundle: bundleOf(await sign(authority, { payload: attestation, type, version: "0.0.1" })),
  },
};

const write = (name, value) =>
  writeFileSync(join(output, name), `${JSON.stringify(value, undefined, 1)}\n`);
write("trusted_root.json", trustedRootOf(authority));
write("signatures.json", signatures);
