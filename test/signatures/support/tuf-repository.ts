import crypto from "node:crypto";

const expires = "2999-01-01T00:00:00Z";
const common = { spec_version: "1.0.31", version: 1, expires };

interface TufRepository {
  /** The metadata that clients start from. */
  readonly root: Buffer;
  /** The files of the repository, by path. */
  readonly files: Map<string, Buffer>;
}

/** A repository with one target, and one key for all roles (TUF specification 1.0, section 4). */
export function makeTufRepository(name: string, target: Buffer): TufRepository {
  const { publicKey, privateKey } = crypto.generateKeyPairSync("ed25519");
  const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32).toString("hex");
  const key = { keytype: "ed25519", scheme: "ed25519", keyval: { public: raw } };
  const keyid = sha256(Buffer.from(canonical(key)));
  const signed = (role: object): Buffer => {
    const sig = crypto.sign(null, Buffer.from(canonical(role)), privateKey).toString("hex");
    return Buffer.from(JSON.stringify({ signed: role, signatures: [{ keyid, sig }] }));
  };
  const role = { keyids: [keyid], threshold: 1 };
  const roles = { root: role, timestamp: role, snapshot: role, targets: role };
  const root = signed({
    _type: "root",
    ...common,
    consistent_snapshot: true,
    keys: { [keyid]: key },
    roles,
  });
  const entry = { length: target.length, hashes: { sha256: sha256(target) } };
  const targets = signed({ _type: "targets", ...common, targets: { [name]: entry } });
  const snapshot = signed({
    _type: "snapshot",
    ...common,
    meta: { "targets.json": { version: 1 } },
  });
  const timestamp = signed({
    _type: "timestamp",
    ...common,
    meta: { "snapshot.json": { version: 1 } },
  });
  const files = new Map([
    ["timestamp.json", timestamp],
    ["1.snapshot.json", snapshot],
    ["1.targets.json", targets],
    [`targets/${sha256(target)}.${name}`, target],
  ]);
  return { root, files };
}

/** Canonical JSON: sorted keys, no blanks (for ASCII strings and integers). */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([key, it]) => `${JSON.stringify(key)}:${canonical(it)}`).join(",")}}`;
}

function sha256(bytes: Buffer): string {
  return crypto.createHash("sha256").update(bytes).digest("hex");
}
