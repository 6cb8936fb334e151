import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Paths of PEM files. */
export interface IssuedCertificate {
  readonly cert: string;
  readonly key: string;
}

/** A private certificate authority that uses openssl. */
export class Authority {
  private constructor(
    readonly directory: string,
    /** Path of its certificate, PEM. */
    readonly caFile: string,
  ) {}

  static async create(directory: string, name = "Test CA"): Promise<Authority> {
    await mkdir(directory, { recursive: true });
    const caFile = join(directory, "ca.pem");
    await openssl(directory, [
      ...["req", "-x509", ...newKey, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2"],
      ...["-subj", `/CN=${name}`, "-addext", "basicConstraints=critical,CA:TRUE"],
    ]);
    return new Authority(directory, caFile);
  }

  /** @param names for subjectAltName: `IP:127.0.0.1`, `DNS:localhost` */
  async issue(
    file: string,
    names: string,
    { isExpired = false, usage = "serverAuth" } = {},
  ): Promise<IssuedCertificate> {
    const [cert, key] = [`${file}.cert`, `${file}.key`].map((name) => join(this.directory, name));
    await openssl(this.directory, [
      ...["req", ...newKey, "-keyout", key!, "-out", `${file}.csr`, "-subj", `/CN=${file}`],
    ]);
    const extensions = join(this.directory, `${file}.ext`);
    await writeFile(extensions, `subjectAltName=${names}\nextendedKeyUsage=${usage}\n`);
    const signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
    // With a negative validity, openssl x509 makes an expired certificate.
    const days = isExpired ? "-1" : "2";
    await openssl(this.directory, [
      ...["x509", "-req", "-in", `${file}.csr`, ...signing, "-days", days],
      ...["-extfile", extensions, "-out", cert!],
    ]);
    return { cert: cert!, key: key! };
  }
}

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

async function openssl(cwd: string, words: string[]): Promise<void> {
  await run("openssl", words, { cwd });
}
