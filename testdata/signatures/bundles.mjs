// Run by make.sh: bundles of the sigstore project's own making.
import { createPrivateKey, sign } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { bundleToJSON } from "@sigstore/bundle";
import { DSSEBundleBuilder, MessageSignatureBundleBuilder } from "@sigstore/sign";

const [work, manifest, digest, other, target] = process.argv.slice(2);

function signerOf(name) {
  const privateKey = createPrivateKey(readFileSync(`${work}/${name}.key`));
  return {
    sign: async (data) => ({
      signature: sign("sha256", data, privateKey),
      key: { $case: "publicKey", publicKey: "", hint: name },
    }),
  };
}

async function statement(file, key, subject, predicateType) {
  const [algorithm, hex] = subject.split(":");
  const text = {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ digest: { [algorithm]: hex } }],
    predicateType,
    predicate: {},
  };
  const builder = new DSSEBundleBuilder({ signer: signerOf(key), witnesses: [] });
  const artifact = { data: Buffer.from(JSON.stringify(text)), type: "application/vnd.in-toto+json" };
  write(file, await builder.create(artifact));
}

function write(file, bundle) {
  writeFileSync(`${target}/${file}.json`, JSON.stringify(bundleToJSON(bundle)));
}

const signature = "https://sigstore.dev/cosign/sign/v1";
await statement("bundle.p256", "p256", digest, signature);
await statement("bundle.other", "other", digest, signature);
await statement("bundle-of-another-image.p256", "p256", other, signature);
await statement("bundle-of-attestation.p256", "p256", digest, "https://slsa.dev/provenance/v1");
const message = new MessageSignatureBundleBuilder({ signer: signerOf("p256"), witnesses: [] });
write("message-bundle.p256", await message.create({ data: readFileSync(manifest) }));
