import * as z from "zod";
import { findProgram, tryProgram } from "../../support/index.js";

/** A port on which machines reach this server. */
export interface ServedPort {
  readonly protocol: "udp" | "tcp";
  readonly port: number;
}

/** An incoming chain of this machine's firewall that drops what its rules do not accept. */
export interface DroppingChain {
  /** As nft names it: `inet filter input`. */
  readonly name: string;
  /** The ports of the server that no rule of the firewall accepts. */
  readonly closed: readonly ServedPort[];
}

/**
 * Reads this machine's firewall (nftables, which iptables-nft also writes).
 * @returns undefined if nft is not installed, or the rules may not be read
 */
export async function findDroppingChains(
  ports: readonly ServedPort[],
): Promise<DroppingChain[] | undefined> {
  const path = await findProgram("nft");
  if (path === undefined) return undefined;
  const { exitCode, stdout } = await tryProgram(path, ["-j", "list", "ruleset"]);
  return exitCode === 0 ? parseRuleset(stdout, ports) : undefined;
}

const chainSchema = z.object({
  family: z.string(),
  table: z.string(),
  name: z.string(),
  hook: z.string().optional(),
  policy: z.string().optional(),
});
const ruleSchema = z.object({ expr: z.array(z.record(z.string(), z.unknown())) });
const rulesetSchema = z.object({
  nftables: z.array(
    z.object({ chain: chainSchema.optional(), rule: ruleSchema.optional() }).loose(),
  ),
});

/** @param text what `nft -j list ruleset` prints (libnftables-json(5)) */
export function parseRuleset(text: string, ports: readonly ServedPort[]): DroppingChain[] {
  const parsed = rulesetSchema.safeParse(parseJson(text));
  if (!parsed.success) return [];
  const { nftables } = parsed.data;
  const rules = nftables.flatMap(({ rule }) => rule ?? []);
  const closed = ports.filter((port) => !rules.some((rule) => mayAccept(rule, port)));
  if (closed.length === 0) return [];
  return nftables
    .flatMap(({ chain }) => chain ?? [])
    .filter(({ hook, policy }) => hook === "input" && policy === "drop")
    .map(({ family, table, name }) => ({ name: `${family} ${table} ${name}`, closed }));
}

/**
 * True if a rule may accept packets to a port. A rule that this function does not understand counts as
 * one, because a wrong warning would be worse than none.
 */
function mayAccept({ expr }: z.infer<typeof ruleSchema>, { protocol, port }: ServedPort): boolean {
  if (!expr.some((statement) => "accept" in statement || "vmap" in statement)) return false;
  return expr.every((statement) => {
    const match = matchSchema.safeParse(statement.match);
    if (!match.success) return true;
    const { left, right, op } = match.data;
    if (op === "!=") return true;
    if (left.meta?.key === "iifname" || left.meta?.key === "iif") return right !== "lo";
    if (left.meta?.key === "l4proto") return includes(right, protocol);
    // Answers to what this machine asked: a broadcast has none.
    if (left.ct?.key === "state") return includes(right, "new");
    if (left.payload === undefined) return true;
    const { protocol: header, field } = left.payload;
    if (field === "dport") return [protocol, "th"].includes(header) && includes(right, port);
    if (["protocol", "nexthdr"].includes(field)) return includes(right, protocol);
    return !["icmp", "icmpv6", "ip6"].includes(header) && field !== "sport";
  });
}

const matchSchema = z.object({
  op: z.string(),
  left: z.object({
    meta: z.object({ key: z.string() }).optional(),
    ct: z.object({ key: z.string() }).optional(),
    payload: z.object({ protocol: z.string(), field: z.string() }).loose().optional(),
  }),
  right: z.unknown(),
});

/** True if the right side of a match contains a value: alone, in a list, in a set or in a range. */
function includes(right: unknown, wanted: string | number): boolean {
  if (Array.isArray(right)) return right.some((one) => includes(one, wanted));
  if (typeof right === "string" && right.startsWith("@")) return true;
  if (typeof right !== "object" || right === null) return right === wanted;
  if ("set" in right) return includes(right.set, wanted);
  if ("range" in right && Array.isArray(right.range)) {
    const [first, last] = right.range;
    return first <= wanted && wanted <= last;
  }
  return true;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
